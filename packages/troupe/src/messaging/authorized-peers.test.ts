/** Whom `authorizePeer` is asked about, when the sender of a message is not there to be seen. */
import { expect, it } from 'vitest'
import { placesOfTests } from '../../test/postgres/places.ts'
import { createVirtualClock } from '../core/index.ts'
import { defineMessage } from './message-type.ts'
import { roomsOfTests, until } from './rooms.test.fixture.ts'
import { Worker } from './worker.ts'

const Note = defineMessage<string>('note')
const { room } = roomsOfTests()
const onServer = (await placesOfTests('peers'))[1]

/** Takes messages of those alone who announce themselves as bidders. */
class Desk extends Worker {
  readonly seen: unknown[] = []
  constructor() {
    super('Desk')
    this.on(Note, ({ payload }) => void this.seen.push(payload))
  }
  override authorizePeer = ({ role, node }: { readonly role: string; readonly node: string }) => {
    this.seen.push(`${role} of ${node || 'nowhere'}`)
    return role === 'bidder'
  }
}

it('one that has left by then is known as it announced itself', async () => {
  const { start, clock } = await room()
  for (const role of ['clerk', 'bidder']) {
    const sender = new Worker('Bob', { role })
    const started = await start(sender)
    await sender.send(Note, `as ${role}`, { to: 'Desk' })
    await started.stop()
  }
  const desk = new Desk()
  await start(desk)
  await until(clock, () => desk.seen.length === 4)
  expect(desk.seen).toEqual(['bidder of node-seed', 'as clerk', 'bidder of node-seed', 'as bidder'])
})

it('one that left more than a day ago is known by its name alone', async () => {
  const { start, agent, clock } = await room()
  const sender = new Worker('Bob', { role: 'bidder' })
  const started = await start(sender)
  await sender.send(Note, 'x', { to: 'Desk' })
  await started.stop()
  await clock.advance('25h')
  await (await start(new Worker('Somebody'))).stop()
  const desk = new Desk()
  await start(desk)
  await until(clock, async () => (await agent('Desk').mailbox.counts()).dead === 1)
  expect(desk.seen).toEqual([' of nowhere'])
})

it.skipIf(!onServer)('one that came in another process just now is asked for', async () => {
  const clock = createVirtualClock()
  const here = await room({ ...onServer, clock })
  const there = await room({ ...onServer, clock, seed: 'there' })
  const desk = new Desk()
  await here.start(desk)
  const sender = new Worker('Bob', { role: 'bidder' })
  await there.start(sender)
  await sender.send(Note, 'at once', { to: 'Desk' })
  await until(clock, () => desk.seen.includes('at once'), '1ms')
  expect(desk.seen[0]).toBe('bidder of node-there')
})
