import { afterEach, expect, it } from 'vitest'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { Worker } from '../workers/worker.ts'

const Note = defineMessage<string>('note')

let testbed: MessagingTestbed
afterEach(() => testbed.close())

it('A broadcast to a role reaches all its agents, from a turn too, and workers of one name share a message.', async () => {
  testbed = await openMessagingTestbed()
  const { start, agent, step, clock } = testbed
  const received: string[] = []
  const begin = (name: string, role: string, as = name) =>
    start(new Worker(name, { role }).on(Note, ({ payload }) => void received.push(`${as}: ${payload}`)))
  for (const name of ['Ann', 'Bob']) await begin(name, 'bidder')
  await begin('Cy', 'clerk')
  await agent('Mailbox only').messages.send(Note, 'x', { to: 'Nobody' })
  const outcomes = await agent('Ann').messages.broadcast(Note, 'live', { role: 'bidder' })
  expect(outcomes).toMatchObject([{ to: 'Bob', success: true }])
  await step('Host', 'step:1', async (messages) => {
    await messages.broadcast(Note, 'staged', { role: 'bidder' })
    return null
  })
  while (received.length < 3) await clock.advance('10ms')
  expect(received.sort()).toEqual(['Ann: staged', 'Bob: live', 'Bob: staged'])
  received.length = 0
  for (const as of ['one', 'two']) await begin('Shared', 'pool', as)
  await agent('A').messages.send(Note, 'once', { to: 'Shared' })
  while (received.length < 1) await clock.advance('10ms')
  await clock.advance('1s')
  expect(received).toHaveLength(1)
  const { messages } = agent('A')
  await expect(messages.broadcast(Note, 'x', { role: 'bidder', to: ['B'] })).rejects.toThrow(/excludes to/)
})
