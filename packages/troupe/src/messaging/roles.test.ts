import { afterEach, expect, it } from 'vitest'
import { defineMessage } from './message-type.ts'
import { openRoom, type Room } from './room.test.fixture.ts'
import { Worker } from './worker.ts'

const Note = defineMessage<string>('note')

let room: Room
afterEach(() => room.close())

it('all with a role hear a broadcast to it, from a turn too; workers of one name share what is sent to it', async () => {
  room = await openRoom()
  const { start, agent, step, clock } = room
  const heard: string[] = []
  const begin = (name: string, role: string, as = name) =>
    start(new Worker(name, { role }).on(Note, ({ payload }) => void heard.push(`${as}: ${payload}`)))
  for (const name of ['Ann', 'Bob']) await begin(name, 'bidder')
  await begin('Cy', 'clerk')
  await agent('Mailbox only').messages.send(Note, 'x', { to: 'Nobody' })
  const outcomes = await agent('Ann').messages.broadcast(Note, 'live', { role: 'bidder' })
  expect(outcomes).toMatchObject([{ to: 'Bob', success: true }])
  await step('Host', 'step:1', async (messages) => {
    await messages.broadcast(Note, 'staged', { role: 'bidder' })
    return null
  })
  while (heard.length < 3) await clock.advance('10ms')
  expect(heard.sort()).toEqual(['Ann: staged', 'Bob: live', 'Bob: staged'])
  heard.length = 0
  for (const as of ['one', 'two']) await begin('Shared', 'pool', as)
  await agent('A').messages.send(Note, 'once', { to: 'Shared' })
  while (heard.length < 1) await clock.advance('10ms')
  await clock.advance('1s')
  expect(heard).toHaveLength(1)
  const { messages } = agent('A')
  await expect(messages.broadcast(Note, 'x', { role: 'bidder', to: ['B'] })).rejects.toThrow(/in place of to/)
})
