import { afterEach, expect, it } from 'vitest'
import { defineMessage } from './message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from './messaging-testbed.test.fixture.ts'
import { Worker } from './workers/worker.ts'

const Note = defineMessage('note')

let testbed: MessagingTestbed
afterEach(() => testbed?.close())

it('A message client rejects invalid arguments with a ValidationError, also in a turn.', async () => {
  testbed = await openMessagingTestbed()
  const { messages } = testbed.agent('A')
  const wrong = { name: 'ValidationError' }
  const calls = [
    () => messages.send('note' as never, 1 as never, { to: 'B' }),
    () => messages.send({} as never, 1 as never, { to: 'B' }),
    () => messages.send(Note, 1, undefined as never),
    () => messages.publish(Note, 1, undefined as never),
    () => messages.request(Note, 1, undefined as never),
    () => messages.broadcast(Note, 1, { to: 'B' as never }),
    () => messages.broadcast(Note, 1, { role: 7 as never }),
    () => testbed.start({} as never),
    () => testbed.start(undefined as never),
  ]
  for (const call of calls) await expect(call()).rejects.toMatchObject(wrong)
  const end = await testbed.step('A', 'step:1', async (staged) => {
    await staged.send('note' as never, 1 as never, { to: 'B' })
    return null
  })
  expect(end).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('defineMessage') } })
})
it('A worker rejects an invalid registration where it is made.', () => {
  const worker = new Worker('W')
  expect(() => worker.on('note' as never, () => {})).toThrow(/it is the text note/)
  expect(() => worker.on(Note, undefined as never)).toThrow(/handler of note/)
  expect(() => worker.onBatch(Note, { size: 1, wait: '1s' }, undefined as never)).toThrow(/handler of note/)
  expect(() => defineMessage('child', undefined, { extends: 'note' as never })).toThrow(/defineMessage/)
})
