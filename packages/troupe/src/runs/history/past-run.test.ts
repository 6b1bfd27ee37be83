import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { seededRandom, systemClock, type TroupeError } from '../../core/index.ts'
import { createSkippingClock } from '../../core/time/skipping-clock.test.fixture.ts'
import { defineAgent, defineMessage, finish, invoke } from '../../index.ts'
import { echo, eventsOf, pipe, solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { createDisk } from '../../storage/index.ts'
import { createVirtualClock } from '../../testing/index.ts'

const { opened, ada } = troupesOfTests()

describe('an ended run', () => {
  it('An ended run can be replayed and forked for its replay retention, and its result remains after that.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock, retention: { replay: '4h', runs: '8h' } })
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ task: 't', topology: solo(echo('A')) })
    const { response } = await run.result()
    const until = new Date(clock.now() + 4 * 3_600_000).toISOString()
    const retainedUntil = new Date(clock.now() + 8 * 3_600_000).toISOString()
    expect(await run.status()).toEqual({ status: 'completed', team: 'A', replayableUntil: until, retainedUntil })
    expect((await orchestra.list()).items[0]).toMatchObject({ replayableUntil: until })
    await clock.advance('3h')
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    await clock.advance('1h')
    const expired = { name: 'NotFoundError', code: 'replay.expired', status: 410 }
    await expect(orchestra.verifyReplay(run.id)).rejects.toMatchObject(expired)
    // Swept by now, with the journals of its steps.
    await clock.advance('3m')
    for (const asked of [
      orchestra.verifyReplay(run.id),
      orchestra.fork(run.id, { at: 1 }),
      orchestra.export(run.id),
      orchestra.at(run.id, 1),
      eventsOf(run),
    ])
      await expect(asked).rejects.toMatchObject(expired)
    expect(await run.result()).toMatchObject({ status: 'completed', response, totalSteps: 1 })
    const remains = (await orchestra.why(run.id)).sentences.map(({ text }) => text)
    expect(remains).toEqual([expect.stringContaining(until), expect.stringContaining(retainedUntil)])
    await clock.advance('4h')
    await expect(orchestra.get(run.id)).rejects.toMatchObject({ code: 'run.unknown' })
    expect((await orchestra.list({ search: 't' })).items).toEqual([])
    // Its id is free.
    await orchestra.run({ id: run.id, task: 'other', topology: solo(echo('A')) })
    await troupe.forget('ada')
    await expect(orchestra.verifyReplay(run.id)).rejects.toMatchObject({ code: 'user.forgotten' })
  })

  it('An ended run whose user is being erased is reported as erased, not as expired.', async () => {
    const clock = createVirtualClock()
    let left = Number.POSITIVE_INFINITY
    const at = () => (left-- <= 0 ? ('io-before' as const) : undefined)
    const faults = { clock: systemClock, random: seededRandom('erasure'), disk: createDisk(), at }
    const troupe = await opened({ clock, faults })
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ task: 't', topology: solo(echo('A')) })
    await run.result()
    left = 1
    await expect(troupe.forget('ada')).rejects.toMatchObject({ code: 'storage.io' })
    // Each retry of the erasure succeeds with one more change, until the journal is deleted and the run is still listed.
    const exported = () =>
      orchestra.export(run.id).then(
        () => 'exported',
        ({ code }: TroupeError) => code,
      )
    let found = await exported()
    while (found === 'exported') {
      left = 1
      await clock.advance('1m')
      found = await exported()
    }
    expect([found, (await orchestra.list()).items.length]).toEqual(['user.forgotten', 1])
  })

  it('An ended run retains the journals of its steps as long as its own journal.', async () => {
    const clock = createSkippingClock()
    const troupe = await opened({ clock, retention: { replay: '1d' } })
    const { orchestra } = troupe.user('ada')
    let paid = 0
    const pays = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once' }, () => ++paid)
        return await ctx.ask({ text: 'Well?' })
      },
    })
    const asks = defineAgent({ name: 'B', run: async (input, ctx) => [input, await ctx.ask({ text: 'And?' })] })
    const run = await orchestra.start({ task: 't', topology: pipe(pays, asks) })
    const first = (await run.result()).questions[0]
    const seq = (await orchestra.why(run.id)).causes[0]?.seq ?? 0
    await run.answer(first?.id ?? '', 'yes')
    const second = (await run.result()).questions[0]
    clock.skip('3d')
    await clock.advance('10m')
    await run.answer(second?.id ?? '', 'yes')
    await run.result()
    // The fork has what its step had paid already.
    const fork = await orchestra.fork(run.id, { at: seq })
    expect(await fork.result()).toMatchObject({ reason: 'question' })
    await fork.answer((await fork.result()).questions[0]?.id ?? '', 'other')
    expect(paid).toBe(1)
  })
})

describe('a past state of a run', () => {
  it('orchestra.at shows a run at any event with its branches, joins, reads, writes and messages.', async () => {
    const { orchestra, context } = await ada()
    await context.push('house', 'red')
    const Note = defineMessage('note', z.object({ text: z.string() }))
    const Ask = defineMessage('ask', z.string(), { reply: z.string() })
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: { results?: unknown }) =>
        input.results
          ? finish('done')
          : invoke([
              { agent: 'Reads', input: 1 },
              { agent: 'Asks', input: 2 },
            ]),
    })
    const reads = defineAgent({
      name: 'Reads',
      run: async (_, ctx) => {
        const value = await ctx.context.get('house')
        await ctx.context.push('found', { value: value ?? null })
        await ctx.messages.send(Note, { text: 'read' }, { to: 'Clerk' })
        return value as string
      },
    })
    const asks = defineAgent({
      name: 'Asks',
      run: async (_, ctx) => ctx.messages.request(Ask, 'who?', { to: 'Knows' }),
    })
    const knows = defineAgent({ name: 'Knows', run: async () => 'me' })
    const run = await orchestra.start({
      task: 't',
      topology: {
        agents: [lead, reads, asks, knows],
        flows: ['Start -> Lead', 'Lead <-> Reads', 'Lead <-> Asks', 'Lead <-> Knows', 'Lead -> End'],
      },
    })
    await run.result()
    await context.push('found', 'changed since')
    const events = await eventsOf(run)
    for (const { seq, type } of events) {
      const then = await orchestra.at(run.id, seq)
      expect(then).toMatchObject({ run: run.id, seq, event: { type } })
    }
    const opened = events.find(({ type }) => type === 'join.opened')?.seq ?? 0
    const early = await orchestra.at(run.id, opened)
    expect(early).toMatchObject({
      status: 'running',
      totalSteps: 1,
      context: { reads: [], writes: [] },
      messages: { sent: [], received: [] },
      joins: [{ agent: 'Lead', arrived: 0, missing: ['Reads', 'Asks'] }],
    })
    const late = await orchestra.at(run.id, events.length)
    expect(late).toMatchObject({ status: 'completed', response: 'done', joins: [], steps: [] })
    expect(late.context.reads).toMatchObject([{ agent: 'Reads', key: 'house', version: 1, value: 'red' }])
    expect(late.context.writes).toMatchObject([
      { agent: 'Reads', key: 'found', kind: 'push', version: 1, value: { value: 'red' } },
    ])
    expect(late.messages.sent).toMatchObject([
      { type: 'note', from: 'Reads', to: 'Clerk', id: expect.any(String) },
      { type: 'ask', from: 'Asks', to: 'Knows', payload: 'who?' },
    ])
    expect(late.messages.received).toMatchObject([{ type: 'ask', from: 'Asks', to: 'Knows' }])
    await expect(orchestra.at(run.id, events.length + 1)).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(orchestra.at('none', 1)).rejects.toMatchObject({ code: 'run.unknown' })
  })
  it('orchestra.at shows when a step wrote, deleted and sent, and whether its message was waiting at the event.', async () => {
    const clock = createVirtualClock()
    const user = (await opened({ clock })).user('ada')
    const { orchestra, context } = user
    const { mailbox } = user.agent('Clerk')
    const Note = defineMessage('note', z.object({ text: z.string() }))
    const writes = defineAgent({
      name: 'Writes',
      run: async (_, ctx) => {
        await ctx.context.push('plan', 1)
        await ctx.messages.send(Note, { text: 'read' }, { to: 'Clerk' })
        await ctx.commit()
        await ctx.ask({ text: 'Shall the plan go?' })
        await ctx.context.delete('plan')
        return 'done'
      },
    })
    const run = await orchestra.start({ task: 't', topology: solo(writes) })
    const { questions } = await run.result()
    await clock.advance('1s')
    const [delivery] = await mailbox.receive({ max: 1 })
    await delivery?.ack()
    await clock.advance('1s')
    await run.answer(questions[0]?.id ?? '', 'yes')
    await run.result()
    const events = await eventsOf(run)
    const atEvent = (type: string) => orchestra.at(run.id, events.find((event) => event.type === type)?.seq ?? 0)
    const asked = await atEvent('question.asked')
    expect(asked.messages.sent).toMatchObject([{ type: 'note', to: 'Clerk', state: 'waiting', at: asked.at }])
    expect(asked.context.writes).toMatchObject([
      { step: '1#1', agent: 'Writes', key: 'plan', kind: 'push', version: 1, value: 1, at: asked.at },
    ])
    const ended = await atEvent('run.completed')
    expect(ended.messages.sent).toMatchObject([{ type: 'note', state: 'handled', at: asked.at }])
    expect(ended.context.writes.map(({ kind, at }) => [kind, at])).toEqual([
      ['push', asked.at],
      ['delete', ended.at],
    ])
    expect(await context.get('plan')).toBeUndefined()
  })
})
