/**
 * The longest synchronous section of the main thread, in ms of its processor time, while a run fans out exponentially,
 * fans out widely, stages many messages, writes many entries in one turn, or has a task or a result of 4 MB, and while
 * entries of 40 MB are listed or an entry of 7.5 MB is written and read. An iteration of the event loop is an upper bound
 * of a section. Each case has a process of its own, so that none is measured with code that others have compiled.
 * The garbage collector of V8 is left out: its pauses depend on the size of the heap. Exits with 1 if a case takes more
 * than 50 ms in each of five runs: other load only adds to a run. On a slower machine the limit grows (slowness.ts).
 *
 * node bench/runs/longest-section.ts [memory|file]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ContextClient,
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  invoke,
  patterns,
  type StartSpec,
} from 'troupe'
import { slowness } from './slowness.ts'

const [where = 'memory', selected] = process.argv.slice(2)
const maxMs = 50
const maxRuns = 5
const Note = defineMessage('note')
const writes = (name: string, count: number): StartSpec => {
  const writer = defineAgent({
    name: 'Writer',
    run: async (_, ctx) => {
      for (let i = 0; i < count; i++)
        await (name === 'messages' ? ctx.messages.send(Note, i, { to: 'Reader' }) : ctx.context.push(`key.${i}`, i))
      return count
    },
  })
  return { task: 't', topology: patterns.pipeline({ stages: [{ agents: [writer] }] }) }
}
/** Made before the measurement. */
const table = (length: number) =>
  Array.from({ length }, (_, id) => ({
    id,
    name: `row ${id} of a long table`,
    isEven: id % 2 === 0,
    tags: ['a', 'b', `t${id % 100}`],
  }))
const rows = table(selected?.endsWith(' 4 MB') ? 48_000 : 0)
const runs: Readonly<Record<string, () => StartSpec>> = {
  'two agents that invoke each other eight-fold, default budget': () => {
    const agent = (name: string, other: string) =>
      defineAgent({
        name,
        run: () => invoke(Array.from({ length: 8 }, () => ({ agent: other, input: Math.random() }))),
      })
    const first = agent('A', 'B')
    return { task: 't', topology: patterns.mesh({ agents: [first, agent('B', 'A')], entry: first }) }
  },
  'a fan-out of 2,000': () => {
    const hub = defineAgent({
      name: 'Hub',
      run: (input) =>
        input === 't' ? invoke(Array.from({ length: 1_900 }, (_, i) => ({ agent: 'Spoke', input: i }))) : finish('met'),
    })
    const spoke = defineAgent({ name: 'Spoke', run: (input) => input })
    return { task: 't', topology: patterns.hubAndSpoke({ hub, spokes: [spoke], parallelSpokes: true }) }
  },
  'a turn of 1,000 messages': () => writes('messages', 1_000),
  'a turn of 10,000 messages': () => writes('messages', 10_000),
  'a turn of 100,000 messages': () => writes('messages', 100_000),
  'a turn of 5,000 entries': () => writes('entries', 5_000),
  'a result of 4 MB': () => {
    const writer = defineAgent({ name: 'Writer', run: () => finish(rows) })
    return { task: 't', topology: patterns.pipeline({ stages: [{ agents: [writer] }] }) }
  },
  'a task of 4 MB': () => {
    const reader = defineAgent({ name: 'Reader', run: () => finish('read') })
    return { task: rows, topology: patterns.pipeline({ stages: [{ agents: [reader] }] }) }
  },
}

interface ContextCase {
  readonly prepare?: (context: ContextClient) => Promise<unknown>
  readonly work: (context: ContextClient) => Promise<unknown>
}
const entries = Array.from({ length: 400 }, (_, i) => `key.${i}`)
const longRows = table(selected?.startsWith('an entry') ? 88_000 : 0)
const pushAll = async (context: ContextClient) => {
  const value = table(1_200)
  for (const key of entries) await context.push(key, value)
}
const contextCases: Readonly<Record<string, ContextCase>> = {
  'a list of 400 entries of 100 KB': { prepare: pushAll, work: (context) => context.list({ limit: 400 }) },
  '400 entries of 100 KB by their keys': { prepare: pushAll, work: (context) => context.getMany(entries) },
  'an entry of 7.5 MB, written': { work: (context) => context.push('key', longRows) },
  'an entry of 7.5 MB, read': {
    prepare: (context) => context.push('key', longRows),
    work: (context) => context.get('key'),
  },
}

interface Section {
  /** The wall-clock times of its start and end, in ms since the start of the process. */
  readonly from: number
  readonly to: number
  readonly cpuMs: number
}

/** Returns the longest iterations of the event loop, in ms of processor time without garbage collection, the longest first. */
async function measure(work: () => Promise<unknown>): Promise<readonly number[]> {
  const sections: Section[] = []
  const collections: PerformanceEntry[] = []
  new PerformanceObserver((list) => void collections.push(...list.getEntries())).observe({ entryTypes: ['gc'] })
  let before: { readonly at: number; readonly cpuMs: number } | undefined
  let isOver = false
  const ended = Promise.withResolvers<void>()
  const look = () => {
    const { user, system } = process.threadCpuUsage()
    const now = { at: performance.now(), cpuMs: (user + system) / 1_000 }
    if (before) sections.push({ from: before.at, to: now.at, cpuMs: now.cpuMs - before.cpuMs })
    before = now
    if (isOver) ended.resolve()
    else setImmediate(look)
  }
  setImmediate(look)
  await sleep(20)
  await work()
  await sleep(20)
  isOver = true
  await ended.promise
  await sleep(20)
  const gcMs = ({ from, to }: Section) =>
    collections.reduce((sum, { startTime, duration }) => sum + (startTime >= from && startTime < to ? duration : 0), 0)
  const longest = sections.sort((a, b) => b.cpuMs - a.cpuMs).slice(0, 20)
  return longest
    .map((each) => each.cpuMs - gcMs(each))
    .sort((a, b) => b - a)
    .slice(0, 3)
}

const spec = runs[selected ?? '']
const contextCase = contextCases[selected ?? '']
if (spec || contextCase) {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-sections-'))
  const storage = where === 'file' ? `sqlite:${join(folder, 'troupe.db')}` : 'memory:'
  const troupe = await createTroupe({ storage, log: 'silent' })
  const { context, orchestra } = troupe.user('ada')
  let end = 'done'
  await contextCase?.prepare?.(context)
  const longest = await measure(async () => {
    await contextCase?.work(context)
    if (!spec) return
    const { status, guard } = await orchestra.run(spec())
    end = guard ? `${status} by the guard ${guard.name}` : status
  })
  process.stdout.write(`${selected}, ${where}: ${longest.map((ms) => ms.toFixed(0)).join(', ')} ms; ${end}\n`)
  await troupe.close()
  rmSync(folder, { recursive: true, force: true })
  const limitMs = maxMs * slowness()
  if ((longest[0] ?? 0) > limitMs) {
    process.stdout.write(`  above the limit of ${limitMs.toFixed(0)} ms\n`)
    process.exitCode = 1
  }
} else {
  const isWithin = (name: string) =>
    spawnSync(process.execPath, ['--no-warnings', import.meta.filename, where, name], { stdio: 'inherit' }).status === 0
  for (const name of [...Object.keys(runs), ...Object.keys(contextCases)])
    if (!Array.from({ length: maxRuns }).some(() => isWithin(name))) process.exitCode = 1
}
