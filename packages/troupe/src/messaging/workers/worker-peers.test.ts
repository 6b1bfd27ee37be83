/** Which peers a worker accepts, also when the sender of a message is not present, and its hooks of presence. */
import { expect, it } from 'vitest'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import { createVirtualClock } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { Worker } from './worker.ts'

const Note = defineMessage<string>('note')
const { testbed } = messagingTestbeds()
const onServer = (await testStorages('peers'))[1]

/** Takes messages of those alone who announce themselves as bidders. */
class RecordingWorker extends Worker {
  readonly seen: unknown[] = []
  constructor() {
    super('Desk')
    this.on(Note, ({ payload }) => void this.seen.push(payload))
  }
  override authorizePeer = ({ role, processId }: { readonly role: string; readonly processId: string }) => {
    this.seen.push(`${role} of ${processId || 'nowhere'}`)
    return role === 'bidder'
  }
}

it('A peer that has left is known as it announced itself.', async () => {
  const { start, clock } = await testbed()
  for (const role of ['clerk', 'bidder']) {
    const sender = new Worker('Bob', { role })
    const started = await start(sender)
    await sender.send(Note, `as ${role}`, { to: 'Desk' })
    await started.stop()
  }
  const worker = new RecordingWorker()
  await start(worker)
  await until(clock, () => worker.seen.length === 4)
  expect(worker.seen).toEqual(['bidder of node-seed', 'as clerk', 'bidder of node-seed', 'as bidder'])
})

it('A peer that left more than a day ago is known by its name alone.', async () => {
  const { start, agent, clock } = await testbed()
  const sender = new Worker('Bob', { role: 'bidder' })
  const started = await start(sender)
  await sender.send(Note, 'x', { to: 'Desk' })
  await started.stop()
  await clock.advance('25h')
  await (await start(new Worker('Somebody'))).stop()
  const worker = new RecordingWorker()
  await start(worker)
  await until(clock, async () => (await agent('Desk').mailbox.counts()).dead === 1)
  expect(worker.seen).toEqual([' of nowhere'])
})

it.skipIf(!onServer)('A peer that just joined in another process is looked up.', async () => {
  const clock = createVirtualClock()
  const here = await testbed({ ...onServer, clock })
  const there = await testbed({ ...onServer, clock, seed: 'there' })
  const worker = new RecordingWorker()
  await here.start(worker)
  const sender = new Worker('Bob', { role: 'bidder' })
  await there.start(sender)
  await sender.send(Note, 'at once', { to: 'Desk' })
  await until(clock, () => worker.seen.includes('at once'), '1ms')
  expect(worker.seen[0]).toBe('bidder of node-there')
})

it('A hook of presence is called by its pattern, and one that throws stops no other.', async () => {
  const { start, clock } = await testbed({ heartbeat: '300ms' })
  const received: string[] = []
  const worker = new Worker('Watch')
  worker.onConnect('*', () => {
    throw new Error('in a hook')
  })
  worker.onConnect('*:clerk', ({ name }) => received.push(`+${name}`))
  for (const pattern of ['*:clerk', 'sales', 'sales:guest'])
    worker.onDisconnect(pattern, ({ name }) => received.push(`-${name} of ${pattern}`))
  worker.onFailure = (error) => received.push(String(error))
  await start(worker)
  const clerk = await start(new Worker('Bob', { role: 'clerk', topics: ['sales'] }))
  await until(clock, () => received.length === 2)
  await clerk.stop()
  await until(clock, () => received.length === 4)
  await clock.advance('1s')
  expect(received).toEqual(['Error: in a hook', '+Bob', '-Bob of *:clerk', '-Bob of sales'])
})

it('A worker rejects messages and presence of peers that it does not accept, with an incident.', async () => {
  const { start, agent, events, clock } = await testbed()
  const worker = new Worker('W')
  const received: string[] = []
  worker.authorizePeer = ({ name }) => name !== 'Evil'
  worker.on(Note, ({ from }) => received.push(from))
  worker.onConnect('*', ({ name }) => received.push(`+${name}`))
  await start(worker)
  await start(new Worker('Evil'))
  await start(new Worker('Good'))
  await agent('Evil').messages.send(Note, 'x', { to: 'W' })
  await agent('Good').messages.send(Note, 'x', { to: 'W' })
  await until(clock, () => received.length === 2)
  expect(received.sort()).toEqual(['+Good', 'Good'])
  expect(events.filter(({ type }) => type === 'incident.recorded').length).toBeGreaterThanOrEqual(2)
  expect((await agent('W').mailbox.deadLetters()).items.map(({ message }) => message.from)).toEqual(['Evil'])
})
