import { expect, test } from 'vitest'
import { OutgoingHints } from './outgoing-hints.ts'
import { channelOf, readPayload } from './read-payload.ts'

function outgoing() {
  const sent: { readonly channel: string; readonly payload: string }[] = []
  const notify = async (channel: string, payload: string) => void sent.push({ channel, payload })
  return { sent, hints: new OutgoingHints({ schema: 's', node: 'me', notify }) }
}

test('Hints that are gathered leave in one payload, the last of each user and queue.', async () => {
  const { sent, hints } = outgoing()
  hints.add([{ user: 'ada', revision: 1 }, { work: 'timers' }], undefined)
  hints.add([{ user: 'ada', revision: 2 }], undefined)
  await hints.flush()
  const payload = JSON.stringify(['me', [{ user: 'ada', revision: 2 }, { work: 'timers' }]])
  expect(sent).toEqual([{ channel: channelOf('s', ''), payload }])
})

test('An arrival leaves on the channel of the process that owns the run, and not for this process.', async () => {
  const { sent, hints } = outgoing()
  const arrival = (owner: string) => ({ arrival: { owner, user: 'ada', journal: 'run:r', arrivals: 1 } })
  hints.add([arrival('me'), arrival('other')], 'me')
  await hints.flush()
  expect(sent.map(({ channel }) => channel)).toEqual([channelOf('s', 'other')])
})

test('Messages of many payloads are received as they were sent, at most 1,000 of them.', async () => {
  const { sent, hints } = outgoing()
  const messages = Array.from({ length: 1_001 }, (_, i) => `${i} ${'x'.repeat(100)}`)
  for (const message of messages) hints.addMessage(message)
  await hints.flush()
  expect(sent.every(({ payload }) => Buffer.byteLength(payload) < 8_000)).toBe(true)
  expect(sent.flatMap(({ payload }) => readPayload(payload)?.[2] ?? [])).toEqual(messages.slice(1))
})

test('Hints that were flushed have left, also if their payload was on its way already.', async () => {
  const started = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const sent: string[] = []
  const notify = async (_: string, payload: string) => {
    started.resolve()
    await answered.promise
    sent.push(payload)
  }
  const hints = new OutgoingHints({ schema: 's', node: 'me', notify })
  hints.add([{ work: 'timers' }], undefined)
  await started.promise
  const flushed = hints.flush().then(() => [...sent])
  await new Promise(setImmediate)
  answered.resolve()
  expect(await flushed).toEqual([JSON.stringify(['me', [{ work: 'timers' }]])])
})
