/** One trial: a database and a ledger, processes that die on them one after another, and what must hold in the end. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const program = join(import.meta.dirname, 'run-child.ts')

export interface LaunchOptions {
  /** Of `run-child.ts`. */
  readonly dieAt?: number
  /** A command that runs it, e.g. strace with its options. */
  readonly under?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Lived {
  readonly lines: readonly string[]
  readonly killed: boolean
  readonly ended: boolean
}

export class Trial {
  readonly folder = mkdtempSync(join(tmpdir(), 'troupe-crash-'))
  readonly database = join(this.folder, 'troupe.db')
  readonly ledger = join(this.folder, 'ledger')
  readonly #acknowledged: string[] = []
  #version = 0

  /** One process, from its start to its end; what it acknowledged is remembered. */
  async live({ dieAt, under = [], env = {} }: LaunchOptions = {}): Promise<Lived> {
    const command = [...under, process.execPath, '--no-warnings', program, this.database, this.ledger]
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...env, ...(dieAt === undefined ? {} : { TROUPE_DIE_AT: `${dieAt}` }) },
    })
    const chunks: Buffer[] = []
    // Ends a process that hangs. On a busy machine a living one can print nothing for more than a minute.
    const timer = setTimeout(() => child.kill('SIGKILL'), 300_000)
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      timer.refresh()
    })
    const signal = await new Promise<string | null>((resolve) => child.once('close', (_, by) => resolve(by)))
    clearTimeout(timer)
    const lines = Buffer.concat(chunks).toString('utf8').split('\n').filter(Boolean)
    this.#acknowledged.push(...lines.filter((line) => line.startsWith('event ')))
    for (const line of lines)
      if (line.startsWith('ack ')) this.#version = Math.max(this.#version, Number(line.slice(4)))
    return { lines, killed: signal === 'SIGKILL' || signal === 'SIGABRT', ended: lines.some((line) => line === 'over') }
  }

  /** Lives without a death until the run is over; then everything that is wrong. */
  async judge(): Promise<readonly string[]> {
    const last = await this.live({ env: { TROUPE_JUDGE: '1' } })
    const problems = [...this.#lost(last.lines)]
    const judged = last.lines.find((line) => line.startsWith('judged '))
    if (judged) problems.push(...(JSON.parse(judged.slice(7)) as string[]))
    else problems.push(`it did not end: ${last.lines.slice(-3).join(' | ')}`)
    const found = Number(last.lines.find((line) => line.startsWith('standing '))?.slice(9) ?? 0)
    if (found < this.#version) problems.push(`version ${this.#version} was acknowledged, ${found} stands`)
    return [...problems, ...this.#corruption()]
  }

  happened(): readonly string[] {
    return readFileSync(this.ledger, 'utf8').split('\n').filter(Boolean)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Events are shown when they are durable: each must be in the journal for ever, as it was. */
  #lost(lines: readonly string[]): readonly string[] {
    const there = new Set(lines)
    return [...new Set(this.#acknowledged)].filter((line) => !there.has(line)).map((line) => `lost: ${line}`)
  }

  #corruption(): readonly string[] {
    const db = new DatabaseSync(this.database)
    try {
      const rows = db.prepare('pragma integrity_check').all() as { readonly integrity_check: string }[]
      return rows.map((row) => row.integrity_check).filter((found) => found !== 'ok')
    } finally {
      db.close()
    }
  }
}
