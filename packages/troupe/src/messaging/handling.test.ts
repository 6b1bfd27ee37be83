import { afterEach, expect, it } from 'vitest'
import { defineMessage } from './message-type.ts'
import { openRoom, type Room } from './room.test.fixture.ts'
import { Worker } from './worker.ts'

const Note = defineMessage<string>('note')
const Ask = defineMessage<string>('ask')

let room: Room
afterEach(() => room.close())

it('a handler that is entered again finds the attempt with which its try began', async () => {
  room = await openRoom()
  const { start, agent, clock } = room
  const seen: number[] = []
  const make = () =>
    new Worker('W').on(Note, async (_, ctx) => {
      seen.push(ctx.attempt)
      // With the attempt of the later delivery it would leave its record unread, and stop with code.changed.
      if (ctx.attempt === 1) await ctx.effect('first only', { class: 'once' }, () => null)
      await ctx.messages.request(Ask, 'go on?', { to: 'Host', timeout: '1h' })
    })
  const first = await start(make())
  await agent('A').messages.send(Note, 'x', { to: 'W' })
  while ((await agent('Host').mailbox.counts()).waiting === 0) await clock.advance('10ms')
  await first.stop()
  await start(make())
  const [question] = await agent('Host').mailbox.receive()
  await question?.reply('yes')
  for (let i = 0; i < 200 && (await agent('W').mailbox.messages()).items[0]?.read !== true; i++)
    await clock.advance('10ms')
  expect(seen).toEqual([1, 1])
  expect(await agent('W').mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, leased: 0 })
})

it('an effect with a key is not done again although a try in between failed before it', async () => {
  room = await openRoom()
  const { start, agent, clock } = room
  let charged = 0
  await start(
    new Worker('W').on(Note, async ({ payload }, ctx) => {
      if (ctx.attempt === 2) throw new Error('sooner')
      await ctx.effect('charge', { class: 'once', key: payload }, () => ++charged)
      if (ctx.attempt < 4) throw new Error('later')
    }),
  )
  await agent('A').messages.send(Note, 'x', { to: 'W' })
  for (let i = 0; i < 200 && (await agent('W').mailbox.messages()).items[0]?.read !== true; i++)
    await clock.advance('10ms')
  expect(charged).toBe(1)
  expect(await agent('W').mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, leased: 0 })
})

it('a batch of a peer that is not accepted is put aside, each message once', async () => {
  room = await openRoom()
  const { start, agent, clock, events } = room
  const failures: unknown[] = []
  const worker = new Worker('W').onBatch(Note, { size: 3, wait: '1s' }, () => {})
  worker.authorizePeer = ({ name }) => name !== 'Bad'
  worker.onFailure = (error) => failures.push(error)
  await start(worker)
  for (const i of [1, 2, 3]) await agent('Bad').messages.send(Note, `${i}`, { to: 'W' })
  for (let i = 0; i < 200 && (await agent('W').mailbox.counts()).dead < 3; i++) await clock.advance('10ms')
  expect((await agent('W').mailbox.deadLetters()).items.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
  expect(failures).toEqual([])
  expect(events.filter(({ type }) => type === 'incident.recorded')).toHaveLength(3)
})

it('a worker that is started takes no more registrations, which nothing would heed', async () => {
  room = await openRoom()
  const worker = new Worker('W')
  const running = await room.start(worker)
  const late = [
    () => worker.on(Note, () => {}),
    () => worker.onBatch(Note, { size: 1, wait: '1s' }, () => {}),
    () => worker.onConnect('*', () => {}),
    () => worker.onDisconnect('*', () => {}),
    () => worker.use({ start() {} }),
  ]
  for (const register of late) expect(register).toThrow(/it comes before the start/)
  await running.stop()
  const heard: string[] = []
  worker.onStart = () => worker.on(Note, ({ payload }) => void heard.push(payload))
  await room.start(worker)
  await room.agent('A').messages.send(Note, 'x', { to: 'W' })
  for (let i = 0; i < 200 && heard.length === 0; i++) await room.clock.advance('10ms')
  expect(heard).toEqual(['x'])
})

it('what is redriven to a batch repeats no effect with a key', async () => {
  room = await openRoom({ config: { maxAttempts: 2 } })
  const { start, agent, clock } = room
  const charged: string[] = []
  let broken = true
  await start(
    new Worker('W').onBatch(Note, { size: 2, wait: '1s' }, async (messages, ctx) => {
      for (const { payload } of messages)
        await ctx.effect('charge', { class: 'once', key: payload }, () => charged.push(payload))
      if (broken) throw new Error('later')
    }),
  )
  const { mailbox } = agent('W')
  const sent = [
    await agent('A').messages.send(Note, 'x', { to: 'W' }),
    await agent('B').messages.send(Note, 'y', { to: 'W' }),
  ]
  for (let i = 0; i < 500 && (await mailbox.counts()).dead < 2; i++) await clock.advance('10ms')
  const before = charged.length
  broken = false
  for (const { id } of sent) await mailbox.redrive(id)
  for (let i = 0; i < 500 && (await mailbox.messages({ unreadOnly: true })).items.length > 0; i++)
    await clock.advance('10ms')
  expect(await mailbox.counts()).toMatchObject({ dead: 0, waiting: 0, unread: 0 })
  expect(charged.length).toBe(before)
})
