/** Processes that are killed, frozen and cut off from their server at random, each replaced by its next life. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../src/index.ts'
import { withClient } from '../../postgres/postgres-server.ts'

export interface StormOptions {
  /** The file of the child process; it sends one message when it works. */
  readonly program: string
  /** Arguments of one life. @param tag unique for this life */
  readonly parameters: (tag: string, slot: number) => readonly string[]
  readonly slots: number
  readonly random: Random
  /** The URL of a database whose connections are ended now and then, beside kills and freezes. */
  readonly database?: string
}

export class Storm {
  readonly #options: StormOptions
  readonly #processes: ChildProcess[] = []
  readonly counts = { kills: 0, freezes: 0, cuts: 0 }
  /** What a process that was not killed by us wrote before it ended. */
  readonly deaths: string[] = []
  #lives = 0
  #over = false

  constructor(options: StormOptions) {
    this.#options = options
  }

  async begin(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.slots }, (_, slot) => this.#spawn(slot)))
  }

  /** One fault after another until the time is over; then every process works undisturbed again. */
  async rage(ms: number): Promise<void> {
    const { random, slots, database } = this.#options
    const until = performance.now() + ms
    while (performance.now() < until) {
      await sleep(200 + 700 * random.next())
      const slot = Math.floor(random.next() * slots)
      const kind = random.next()
      if (database && kind < 0.25) await this.#cut(database)
      else if (kind < 0.65) await this.#kill(slot)
      else await this.#freeze(slot, random.next() < 0.3 ? 3_000 : 1_500 * random.next())
    }
  }

  async end(): Promise<void> {
    this.#over = true
    await Promise.all(this.#processes.map((each) => endProcess(each)))
  }

  async #kill(slot: number): Promise<void> {
    await endProcess(this.#processes[slot] as ChildProcess)
    this.counts.kills++
    await this.#spawn(slot)
  }

  async #freeze(slot: number, ms: number): Promise<void> {
    const frozen = this.#processes[slot] as ChildProcess
    frozen.kill('SIGSTOP')
    this.counts.freezes++
    await sleep(ms)
    frozen.kill('SIGCONT')
  }

  async #cut(url: string): Promise<void> {
    const share = this.#options.random.next() < 0.3 ? 1 : 0.3
    const end = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and random() < $2'
    await withClient((client) => client.query(end, [new URL(url).pathname.slice(1), share]))
    this.counts.cuts++
  }

  async #spawn(slot: number): Promise<void> {
    const { program, parameters } = this.#options
    const tag = `p${slot}.${this.#lives++}`
    const child = spawn(process.execPath, ['--no-warnings', program, ...parameters(tag, slot)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#processes[slot] = child
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => {
      errors = `${errors}${text}`.slice(0, 2_000)
    })
    child.on('error', () => {})
    const ended = once(child, 'exit').then(([code, signal]) => {
      if (signal === 'SIGKILL' || this.#over) return
      this.deaths.push(`${tag} ended with ${code ?? signal}: ${errors}`)
      void this.#spawn(slot)
    })
    await Promise.race([once(child, 'message'), ended])
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  // A frozen process takes SIGKILL at once.
  child.kill('SIGKILL')
  await ended
}
