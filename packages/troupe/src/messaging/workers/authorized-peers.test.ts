/** Whom `authorizePeer` is asked about, when the sender of a message is not there to be seen. */
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

it('one that has left by then is known as it announced itself', async () => {
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

it('one that left more than a day ago is known by its name alone', async () => {
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

it.skipIf(!onServer)('one that came in another process just now is asked for', async () => {
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
