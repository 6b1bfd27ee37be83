/** Gaps as a troupe sees them: a process is away and comes back, or is suspended together with its runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { type Clock, createVirtualClock } from '../../../core/index.ts'
import { defineAgent, finish } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-gaps-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const { opened, closeAll } = troupesOfTests()
const start = Date.UTC(2026, 0, 1)
const day = 86_400_000

const asker = defineAgent({
  name: 'Asker',
  run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?', timeout: '1h', default: 'none' })),
})
/** A process that asks, ends, and is started again after so many ms. */
async function askAndReturn(name: string, awayMs: number) {
  const config = { storage: `sqlite:${join(folder, name)}`, agents: [asker] }
  const before = await opened({ ...config, clock: createVirtualClock({ start }) })
  const { id } = await before.user('ada').orchestra.start({ task: 't', topology: solo(asker, 'Asker <-> User') })
  await (await before.user('ada').orchestra.get(id)).result()
  await closeAll()
  const clock = createVirtualClock({ start: start + awayMs })
  const troupe = await opened({ ...config, clock })
  return { clock, troupe, run: await troupe.user('ada').orchestra.get(id) }
}

describe('a question whose timeout passes while no process runs', () => {
  it('A question can be answered for a minute after the process is back.', async () => {
    const { clock, run } = await askAndReturn('answered.db', 3 * day)
    await clock.advance('59s')
    const { status, questions } = await run.result()
    expect(status).toBe('waiting')
    await run.answer(questions[0]?.id ?? '', 'this one')
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'this one' })
  })

  it('A question expires when the process has been back for a minute.', async () => {
    const { clock, run } = await askAndReturn('expired.db', 3 * day)
    await clock.advance('61s')
    // The file's writer is a thread: it takes real time.
    await vi.waitFor(async () => expect(await run.result()).toMatchObject({ status: 'completed', response: 'none' }), {
      timeout: 60_000,
    })
  })

  it('A question whose time is not over expires as shown.', async () => {
    const { clock, run } = await askAndReturn('shown.db', 1_800_000)
    await clock.advance('29m')
    expect(await run.result()).toMatchObject({ status: 'waiting' })
    await clock.advance('2m')
    // The file's writer is a thread: it takes real time.
    await vi.waitFor(async () => expect(await run.result()).toMatchObject({ status: 'completed', response: 'none' }), {
      timeout: 60_000,
    })
  })
})

describe('A question that this process asked', () => {
  it('A question expires as shown, though the run was released from memory while it waited.', async () => {
    const clock = createVirtualClock({ start })
    const soon = defineAgent({
      name: 'Soon',
      run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?', timeout: '10s', default: 'none' })),
    })
    const troupe = await opened({ storage: 'memory:', clock, agents: [soon] })
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: solo(soon, 'Soon <-> User') })
    await run.result()
    for (let second = 0; second < 9; second++) await clock.advance('1s')
    expect(await run.result()).toMatchObject({ status: 'waiting' })
    await clock.advance('2s')
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'none' })
  })
})

describe('A suspended process', () => {
  /** A clock whose wall jumps, as after a suspension. */
  const jumping = () => {
    const virtual = createVirtualClock({ start })
    const skew = { ms: 0 }
    const clock: Clock = {
      now: () => virtual.now() + skew.ms,
      monotonic: () => virtual.monotonic(),
      after: (ms, run, options) => virtual.after(ms, run, options),
      soon: (run) => virtual.soon(run),
    }
    return { virtual, clock, skew }
  }

  it('A run works for the whole of its time budget when its process was suspended for hours.', async () => {
    const { virtual, clock, skew } = jumping()
    const gate = Promise.withResolvers<string>()
    const worker = defineAgent({ name: 'Worker', run: () => gate.promise })
    const { orchestra } = (await opened({ clock })).user('ada')
    const run = await orchestra.start({ task: 't', topology: solo(worker), config: { budget: { time: '60s' } } })
    await virtual.advance('10s')
    skew.ms = 5 * 3_600_000
    await virtual.advance('20s')
    expect((await run.status()).status).toBe('running')
    gate.resolve('done')
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'done' })
    const gaps: number[] = []
    for await (const event of run.events()) if (event.type === 'clock.jumped') gaps.push(event.gap)
    expect(gaps).toEqual([skew.ms + 1_000])
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A question whose timeout passes while the machine is suspended can be answered for a minute, and then expires.', async () => {
    const { virtual, clock, skew } = jumping()
    const soon = defineAgent({
      name: 'Soon',
      run: (_, ctx) => ctx.ask({ text: 'Which?', timeout: '10s', default: 'now' }),
    })
    const { orchestra } = (await opened({ clock, agents: [asker] })).user('ada')
    const [answered, expired] = await Promise.all(
      ['answered', 'expired'].map((id) => orchestra.start({ id, task: 't', topology: solo(asker, 'Asker <-> User') })),
    )
    const { questions = [] } = (await answered?.result()) ?? {}
    await expired?.result()
    skew.ms = 5 * 3_600_000
    // Another timer lets the process look at those that are due.
    const run = await orchestra.start({ task: 't', topology: solo(soon, 'Soon <-> User') })
    await virtual.advance('50s')
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'now' })
    expect(await answered?.result()).toMatchObject({ status: 'waiting' })
    await answered?.answer(questions[0]?.id ?? '', 'this one')
    expect(await answered?.result()).toMatchObject({ status: 'completed', response: 'this one' })
    expect(await expired?.result()).toMatchObject({ status: 'waiting' })
    await virtual.advance('11s')
    expect(await expired?.result()).toMatchObject({ status: 'completed', response: 'none' })
  })

  it('A run whose process was suspended ends by its time budget after the rest of it.', async () => {
    const { virtual, clock, skew } = jumping()
    const worker = defineAgent({
      name: 'Worker',
      run: (_, ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', reject)),
    })
    const { orchestra } = (await opened({ clock })).user('ada')
    const run = await orchestra.start({ task: 't', topology: solo(worker), config: { budget: { time: '60s' } } })
    await virtual.advance('10s')
    skew.ms = 5 * 3_600_000
    await virtual.advance('49s')
    expect((await run.status()).status).toBe('running')
    await virtual.advance('5s')
    expect((await run.result()).guard).toMatchObject({ name: 'time', limit: 60_000 })
  })
})
