/**
 * The longest synchronous section of the main thread, in ms of its processor time, while a run fans out exponentially,
 * fans out widely, stages many messages, writes many entries in one turn, or has a task, a message, a result or the result of
 * a child run of 7.5 MB, and while entries of 40 MB or runs with such results are listed, or an entry is written and read. An iteration of the event loop is an upper bound
 * of a section. Each case has a process of its own, so that none is measured with code that others have compiled.
 * The garbage collector of V8 is left out: its pauses depend on the size of the heap. Exits with 1 if a case takes more
 * than 50 ms in each of five runs: other load only adds to a run. On a slower machine the limit grows (slowness.ts).
 *
 * node bench/runs/longest-section.ts [memory|file] [CASE ...]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  invoke,
  patterns,
  type StartSpec,
  type Troupe,
} from 'troupe'
import { slowness } from './slowness.ts'

const [where = 'memory', ...chosen] = process.argv.slice(2)
const measured = '--measure'
/** The case of this process; undefined in the process that starts one for each case. */
const selected = chosen[0] === measured ? chosen[1] : undefined
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
type UserHandle = ReturnType<Troupe['user']>
/** Made before the measurement. */
const table = (length: number) =>
  Array.from({ length }, (_, id) => ({
    id,
    name: `row ${id} of a long table`,
    isEven: id % 2 === 0,
    tags: ['a', 'b', `t${id % 100}`],
  }))
const rows = table(selected?.includes('7.5 MB') ? 88_000 : 0)
const solo = (agent: Agent) => patterns.pipeline({ stages: [{ agents: [agent] }] })
const writesRows = () => solo(defineAgent({ name: 'Writer', run: () => finish(rows) }))
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
  'a result of 7.5 MB': () => ({ task: 't', topology: writesRows() }),
  'a result of 7.5 MB of a child run': () => {
    const parent = defineAgent({
      name: 'Parent',
      run: async (_, ctx) => {
        const child = await ctx.startRun({ task: 't', topology: writesRows() })
        return finish((await child.result()).status)
      },
    })
    return { task: 't', topology: solo(parent) }
  },
  'a task of 7.5 MB': () => ({
    task: rows,
    topology: solo(defineAgent({ name: 'Reader', run: () => finish('read') })),
  }),
  'a message of 7.5 MB': () => {
    const sender = defineAgent({
      name: 'Sender',
      run: async (_, ctx) => finish((await ctx.messages.send(Note, rows, { to: 'Reader' })).id),
    })
    return { task: 't', topology: solo(sender) }
  },
}

interface UserCase {
  readonly prepare?: (user: UserHandle) => Promise<unknown>
  readonly work: (user: UserHandle) => Promise<unknown>
}
const entries = Array.from({ length: 400 }, (_, i) => `key.${i}`)
const pushAll = async ({ context }: UserHandle) => {
  const value = table(1_200)
  for (const key of entries) await context.push(key, value)
}
const pushRows = ({ context }: UserHandle) => context.push('key', rows)
const userCases: Readonly<Record<string, UserCase>> = {
  'a list of 400 entries of 100 KB': { prepare: pushAll, work: ({ context }) => context.list({ limit: 400 }) },
  '400 entries of 100 KB by their keys': { prepare: pushAll, work: ({ context }) => context.getMany(entries) },
  'an entry of 7.5 MB, written': { work: pushRows },
  'an entry of 7.5 MB, read': { prepare: pushRows, work: ({ context }) => context.get('key') },
  'a list of six runs with results of 7.5 MB': {
    prepare: async ({ orchestra }) => {
      for (let i = 0; i < 6; i++) await orchestra.run({ task: 't', topology: writesRows() })
    },
    work: ({ orchestra }) => orchestra.list({}),
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
const userCase = userCases[selected ?? '']
if (selected !== undefined) {
  if (!spec && !userCase) throw new Error(`there is no case ${selected}`)
  const folder = mkdtempSync(join(tmpdir(), 'troupe-sections-'))
  const storage = where === 'file' ? `sqlite:${join(folder, 'troupe.db')}` : 'memory:'
  const troupe = await createTroupe({ storage, log: 'silent' })
  const user = troupe.user('ada')
  let end = 'done'
  await userCase?.prepare?.(user)
  const longest = await measure(async () => {
    await userCase?.work(user)
    if (!spec) return
    const { status, guard } = await user.orchestra.run(spec())
    end = guard ? `${status} by the guard ${guard.name}` : status
  })
  process.stdout.write(`${selected}, ${where}: ${longest.map((ms) => ms.toFixed(0)).join(', ')} ms; ${end}\n`)
  await troupe.close()
  rmSync(folder, { recursive: true, force: true })
  const [longestMs = 0] = longest
  const limitMs = longestMs > maxMs ? maxMs * slowness() : maxMs
  if (longestMs > limitMs) {
    process.stdout.write(`  above the limit of ${limitMs.toFixed(0)} ms\n`)
    process.exitCode = 1
  }
} else {
  const isWithin = (name: string) =>
    spawnSync(process.execPath, ['--no-warnings', import.meta.filename, where, measured, name], { stdio: 'inherit' })
      .status === 0
  for (const name of chosen.length > 0 ? chosen : [...Object.keys(runs), ...Object.keys(userCases)])
    if (!Array.from({ length: maxRuns }).some(() => isWithin(name))) process.exitCode = 1
}
