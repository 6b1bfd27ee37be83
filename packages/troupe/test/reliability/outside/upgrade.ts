/**
 * The code of a team changes under its runs: a run whose record does not fit the new code waits with `code.changed`, and
 * one whose agent is gone until a process has it, on a file and with processes of both versions on one PostgreSQL at once;
 * the right code finishes both, with every effect once. Journals of earlier releases are read and decided as they were.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as operations from '../../../src/operations.ts'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import { load } from '../library-under-test.ts'
import type { Program } from './program.ts'

const child = join(import.meta.dirname, 'upgrade/upgrade-child.ts')
const journals = join(import.meta.dirname, '../../golden/journals')
/** Code that does not ask for what its record holds is found after ten seconds. */
const maxWaitMs = 40_000
const changed = 'waiting code.changed'

interface Answer {
  readonly status?: string
  readonly response?: unknown
  readonly identical?: boolean
  readonly error?: string
}
type Code = 'first' | 'second' | 'helper'

class Troupe {
  readonly #child: ChildProcess
  readonly code: Code

  private constructor(code: Code, started: ChildProcess) {
    this.code = code
    this.#child = started
  }

  static async open(storage: string, folder: string, code: Code, run = ''): Promise<Troupe> {
    const started = spawn(process.execPath, ['--no-warnings', child, storage, folder, code, run], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    started.on('error', () => {})
    await Promise.race([once(started, 'message'), once(started, 'exit')])
    return new Troupe(code, started)
  }

  async ask(what: 'result' | 'answer' | 'replay' | 'close', id: string, value?: string): Promise<Answer> {
    const answered = once(this.#child, 'message', { signal: AbortSignal.timeout(maxWaitMs) })
    this.#child.send({ what, id, value }, () => {})
    return answered.then(
      ([answer]) => answer as Answer,
      () => ({ error: 'no answer' }),
    )
  }

  /** Asks until the run has got there. @returns what is wrong */
  async reaches(id: string, expected: string): Promise<readonly string[]> {
    let found: string | undefined
    for (const until = performance.now() + maxWaitMs; performance.now() < until; await sleep(100)) {
      const { status, error } = await this.ask('result', id)
      found = status ?? error
      if (found === expected) return []
    }
    return [`${id} under the ${this.code} code: ${found} in place of ${expected}`]
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    await this.ask('close', '')
    await this.kill()
  }
}

const effectsIn = (folder: string): readonly string[] =>
  existsSync(join(folder, 'effects')) ? readFileSync(join(folder, 'effects'), 'utf8').split('\n').filter(Boolean) : []

async function killedAfterEffects(storage: string, folder: string, run: string): Promise<void> {
  const first = await Troupe.open(storage, folder, 'first', run)
  while (!effectsIn(folder).includes(`${run} pay`)) await sleep(20)
  // Its claim of the last effect is durable by then.
  await sleep(200)
  await first.kill()
}

const finishedBy = async (troupe: Troupe, run: string): Promise<string[]> => {
  const problems = [...(await troupe.reaches(run, 'waiting question'))]
  const { response, error } = await troupe.ask('answer', run, 'red')
  if (response !== 'red by first') problems.push(`${run} ended with ${JSON.stringify(response ?? error)}`)
  const { identical } = await troupe.ask('replay', run)
  if (identical !== true) problems.push(`the replay of ${run} is not identical`)
  return problems
}

const repeated = (folder: string): string[] =>
  [...Map.groupBy(effectsIn(folder), (line) => line)].flatMap(([line, times]) =>
    times.length > 1 || line.endsWith('check') ? [`the effect ${line} happened ${times.length} times`] : [],
  )

/** One process at a time: the first code, another one, and the first again. */
async function inTurns(storage: string, folder: string, code: Code, status: string): Promise<string[]> {
  const run = `turns-${code}`
  await killedAfterEffects(storage, folder, run)
  const other = await Troupe.open(storage, folder, code)
  const problems = [...(await other.reaches(run, status))]
  await other.close()
  const right = await Troupe.open(storage, folder, 'first')
  problems.push(...(await finishedBy(right, run)))
  await right.close()
  return problems
}

/** A process with another code owns the run when one with the right code comes to the same database. */
async function sideBySide(storage: string, folder: string): Promise<string[]> {
  await killedAfterEffects(storage, folder, 'side-by-side')
  const newer = await Troupe.open(storage, folder, 'second')
  const problems = [...(await newer.reaches('side-by-side', changed))]
  const right = await Troupe.open(storage, folder, 'first')
  await newer.close()
  problems.push(...(await finishedBy(right, 'side-by-side')))
  await right.close()
  return problems
}

async function earlierJournals(): Promise<string[]> {
  const { openExport } = (await load('operations')) as typeof operations
  return readdirSync(journals).flatMap((name) => {
    const { identical } = openExport(readFileSync(join(journals, name), 'utf8')).verifyReplay()
    return identical ? [] : [`the journal ${name} is decided otherwise than it was`]
  })
}

export const program: Program = {
  name: 'upgrade',
  promise: 'A run that met other code waits for the right one, which finishes it with every effect once.',
  async run({ report }) {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-upgrade-'))
    const schema = schemaName('outside_upgrade')
    const file = JSON.stringify(`sqlite:${join(folder, 'troupe.db')}`)
    const database = (await missingServer()) ? undefined : JSON.stringify({ url: server, schema, poolSize: 4 })
    try {
      const problems = [
        ...(await earlierJournals()),
        ...(await inTurns(file, folder, 'second', changed)),
        ...(await inTurns(file, folder, 'helper', 'run.agents_missing')),
      ]
      if (database !== undefined) problems.push(...(await sideBySide(database, folder)))
      report(`${readdirSync(journals).length} journals, ${effectsIn(folder).length} effects`)
      return [...problems, ...repeated(folder)]
    } finally {
      if (database !== undefined) await dropSchema(schema)
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
