import { expect, it } from 'vitest'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'

const Note = defineMessage<number>('note')
const { testbed } = messagingTestbeds()

it('The outbox releases the messages of each mailbox, also if more than a thousand others are full.', async () => {
  const { agent, step, clock } = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
  const names = Array.from({ length: 1_001 }, (_, n) => `B${String(n).padStart(4, '0')}`)
  await step('A', 's', async (messages) => {
    for (const to of names) for (const n of [1, 2]) await messages.send(Note, n, { to })
    return null
  })
  const last = agent('B1000').mailbox
  const [first] = await last.receive()
  await first?.ack()
  await until(clock, async () => (await last.counts()).waiting === 1)
  expect((await last.receive()).map(({ message }) => message.payload)).toEqual([2])
})

it('The outbox releases the messages of other users when the mailbox of one user fails, and reports that user.', async () => {
  const { agent, step, clock, mailboxes, events } = await testbed({
    config: { capacity: { count: 1 }, backpressure: 'wait' },
  })
  await step('A', 's', async (messages) => {
    for (const to of ['B1', 'B2']) for (const n of [1, 2]) await messages.send(Note, n, { to })
    return null
  })
  const { messaging } = mailboxes
  const { held } = messaging.maintenance
  messaging.maintenance.held = (of) => {
    if (of.mailbox === 'B1') throw new Error('not readable')
    return held(of)
  }
  const last = agent('B2').mailbox
  const [first] = await last.receive()
  await first?.ack()
  await until(clock, async () => (await last.counts()).waiting === 1)
  expect(events).toContainEqual(expect.objectContaining({ type: 'outbox.failed', userId: expect.any(String) }))
})
