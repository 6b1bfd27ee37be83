/**
 * The owner of a run is killed or frozen amid its effects: another process continues within the lease and a second, one
 * effect at most begins again, and an owner that wakes carries out nothing more.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import type { Program } from './program.ts'

const child = join(import.meta.dirname, 'takeover/takeover-child.ts')
const leaseMs = 2_000
/** What DESIGN promises beyond the lease, and what a busy machine of two cores adds to it. */
const graceMs = 1_000
const slackMs = 2_000
/** A frozen owner stays so for longer than the lease, and is watched afterwards. */
const watchedMs = 1_500

interface Line {
  readonly worker: string
  readonly at: number
  readonly effect: string
}
type Fault = 'kill' | 'freeze'

class Workers {
  readonly #storage: string
  readonly #folder: string
  readonly #running = new Map<string, ChildProcess>()
  #count = 0

  constructor(storage: string, folder: string) {
    this.#storage = storage
    this.#folder = folder
  }

  async start(): Promise<void> {
    const worker = `w${this.#count++}`
    const parameters = ['--no-warnings', child, this.#storage, `${leaseMs}ms`, this.#folder, worker]
    const started = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    started.on('error', () => {})
    this.#running.set(worker, started)
    await once(started, 'message')
  }

  send(run: string): void {
    const [first] = this.#running.values()
    first?.send(run)
  }

  of(worker: string): ChildProcess {
    return this.#running.get(worker) as ChildProcess
  }

  async end(worker: string): Promise<void> {
    const running = this.of(worker)
    this.#running.delete(worker)
    if (running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((worker) => this.end(worker)))
  }
}

function linesOf(file: string): readonly Line[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [worker = '', at, effect = ''] = line.split(' ')
    return { worker, at: Number(at), effect }
  })
}

async function until<T>(find: () => T | undefined, ms: number): Promise<T | undefined> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) {
    const found = find()
    if (found !== undefined) return found
  }
  return undefined
}

/** @returns ms from the fault to the first effect of another process, and what was wrong */
async function disturb(workers: Workers, file: string, run: string, fault: Fault) {
  workers.send(run)
  const owner = await until(() => linesOf(file)[10]?.worker, 30_000)
  if (owner === undefined) return { gapMs: Number.NaN, problems: [`${run} did not begin`] }
  const at = Date.now()
  if (fault === 'kill') await workers.end(owner)
  else workers.of(owner).kill('SIGSTOP')
  const next = await until(() => linesOf(file).find(({ worker }) => worker !== owner), 30_000)
  const gapMs = next ? next.at - at : Number.POSITIVE_INFINITY
  const problems =
    gapMs > leaseMs + graceMs + slackMs ? [`${run}: nothing for ${gapMs} ms after the ${fault} of its owner`] : []
  if (fault === 'freeze') {
    workers.of(owner).kill('SIGCONT')
    const woken = Date.now()
    await sleep(watchedMs)
    const late = linesOf(file).filter((line) => line.worker === owner && line.at > woken)
    if (late.length > 0) problems.push(`${run}: the owner that woke carried out ${late.length} effects`)
    await workers.end(owner)
  }
  const repeated = [...Map.groupBy(linesOf(file), ({ effect }) => effect).values()].filter(({ length }) => length > 1)
  if (repeated.length > 1) problems.push(`${run}: ${repeated.length} effects began again`)
  return { gapMs, problems }
}

export const program: Program = {
  name: 'takeover',
  promise: 'A run is taken over within its lease and a second, and an owner that wakes carries out nothing more.',
  async run({ scale, report }) {
    const skipped = await missingServer()
    if (skipped !== undefined) return { skipped }
    const folder = mkdtempSync(join(tmpdir(), 'troupe-takeover-'))
    const schema = schemaName('outside_takeover')
    const workers = new Workers(JSON.stringify({ url: server, schema, poolSize: 4 }), folder)
    const problems: string[] = []
    const gaps: Record<Fault, number[]> = { kill: [], freeze: [] }
    try {
      await workers.start()
      await workers.start()
      for (let n = 0; n < Math.max(2, Math.min(scale, 20)); n++) {
        const fault = n % 2 === 0 ? 'kill' : 'freeze'
        const run = `run-${n}`
        const disturbed = await disturb(workers, join(folder, run), run, fault)
        gaps[fault].push(disturbed.gapMs)
        problems.push(...disturbed.problems)
        await workers.start()
      }
    } finally {
      await workers.close()
      await dropSchema(schema)
      rmSync(folder, { recursive: true, force: true })
    }
    report(`lease ${leaseMs} ms; ms after a kill: ${gaps.kill.join(' ')}; after a freeze: ${gaps.freeze.join(' ')}`)
    return problems
  },
}
