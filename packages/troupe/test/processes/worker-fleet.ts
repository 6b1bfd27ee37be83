/** Worker processes on one database, that are killed, stopped and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { PostgresOptions } from '../../src/storage/index.ts'

const program = join(import.meta.dirname, 'worker-child.ts')

interface Worker {
  readonly childProcess: ChildProcess
  /** By the monotonic clock; infinite while it starts, or is frozen. */
  wellSince: number
}

export interface FleetOptions {
  readonly storage: PostgresOptions
  readonly lease: string
  readonly size: number
}

export class Fleet {
  readonly #options: FleetOptions
  readonly #workers: Worker[] = []
  readonly #waiting = new Map<string, (started: boolean) => void>()
  readonly counts = { kills: 0, stops: 0 }

  constructor(options: FleetOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    for (let i = 0; i < this.#options.size; i++) this.#workers.push(this.#spawn())
    await Promise.all(this.#workers.map(({ childProcess }) => once(childProcess, 'message')))
  }

  /** Those that have worked for so many ms. */
  well(ms: number): readonly number[] {
    const now = performance.now()
    return this.#workers.flatMap(({ wellSince }, worker) => (now - wellSince >= ms ? [worker] : []))
  }

  /** @returns false where the worker died before it answered: whether it began is not known */
  start(worker: number, run: string, user: string, ledger: string): Promise<boolean> {
    const { childProcess } = this.#workers[worker % this.#workers.length] as Worker
    const started = Promise.withResolvers<boolean>()
    this.#waiting.set(run, started.resolve)
    childProcess.send({ start: run, user, ledger }, (error) => error && started.resolve(false))
    const timer = setTimeout(() => started.resolve(false), 3_000)
    return started.promise.finally(() => clearTimeout(timer))
  }

  /** Killed at once, and another one begins in its place. */
  kill(worker: number): void {
    const at = this.#workers[worker] as Worker
    at.childProcess.kill('SIGKILL')
    this.counts.kills++
    this.#workers[worker] = this.#spawn()
  }

  /** Frozen for so many ms. */
  async freeze(worker: number, ms: number): Promise<void> {
    const at = this.#workers[worker] as Worker
    at.wellSince = Number.POSITIVE_INFINITY
    at.childProcess.kill('SIGSTOP')
    this.counts.stops++
    await new Promise((resolve) => setTimeout(resolve, ms))
    at.childProcess.kill('SIGCONT')
    at.wellSince = performance.now()
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map(async ({ childProcess }) => {
        if (childProcess.exitCode !== null || childProcess.signalCode !== null) return
        const ended = once(childProcess, 'exit')
        childProcess.kill('SIGKILL')
        await ended
      }),
    )
  }

  #spawn(): Worker {
    const { storage, lease } = this.#options
    const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(storage), lease], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const worker = { childProcess: child, wellSince: Number.POSITIVE_INFINITY }
    child.on('message', ({ started, failed }: { started?: string; failed?: string }) => {
      const run = started ?? failed
      if (run === undefined) worker.wellSince = performance.now()
      else this.#waiting.get(run)?.(started !== undefined)
    })
    // A message to one that was just killed.
    child.on('error', () => {})
    return worker
  }
}
