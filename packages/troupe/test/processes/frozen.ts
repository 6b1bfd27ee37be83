/**
 * Owners of runs that are frozen until others have taken their runs over, and then wake: what they try is refused, all of
 * it, and none of it is seen by anybody.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Troupe } from '../../src/index.ts'
import type { PostgresOptions } from '../../src/storage/index.ts'
import { withClient } from '../postgres/postgres-server.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { linesOf } from './payment-team.ts'

const { createTroupe, defineAgent, finish } = troupe
const program = join(import.meta.dirname, 'frozen-child.ts')
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export interface FrozenOptions {
  readonly storage: PostgresOptions & { readonly schema: string; readonly url: string }
  readonly ledger: string
  /** How many runs an owner has when it is frozen. */
  readonly runs: number
  readonly rounds: number
}

/** @returns what a frozen owner changed after all; `tried` is how many runs it tried to change */
export async function runFrozen({ storage, ledger, runs, rounds }: FrozenOptions) {
  const takes = defineAgent({ name: 'Still', run: async () => finish('taken over') })
  const service = await createTroupe({ storage, agents: [takes], lease: '1s', log: 'silent' })
  const problems: string[] = []
  let tried = 0
  try {
    for (let round = 0; round < rounds; round++) {
      const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(storage), ledger, `${runs}`], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      try {
        const ids = Array.from({ length: runs }, (_, n) => `${child.pid}-${n}`)
        await readyOnes(child, runs)
        const owners = await namesOf(storage.schema, storage.url, ids)
        child.kill('SIGSTOP')
        await Promise.all(ids.map((id) => ended(service, id)))
        const before = await Promise.all(ids.map((id) => journalOf(service, id)))
        child.kill('SIGCONT')
        child.send('go on')
        await pause(1_500)
        const after = await Promise.all(ids.map((id) => journalOf(service, id)))
        ids.forEach((id, i) => {
          if (before[i] !== after[i]) problems.push(`${id}: it appended ${after[i]}`)
        })
        problems.push(...(await leftBy(service, ids, ledger)))
        const now = await namesOf(storage.schema, storage.url, [])
        for (const owner of owners) if (now.has(owner)) problems.push(`${owner} lives again under its old name`)
        if (child.exitCode !== null) problems.push(`the owner ended with ${child.exitCode}`)
        tried += runs
      } finally {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
    }
  } finally {
    await service.close()
  }
  return { problems, tried }
}

async function readyOnes(child: NodeJS.EventEmitter, runs: number): Promise<void> {
  let ready = 0
  await new Promise<void>((resolve, reject) => {
    child.on('message', () => ++ready === runs && resolve())
    child.on('exit', (code) => reject(new Error(`the owner ended with ${code}`)))
  })
}

/** Of those that hold these runs; of all that live, where none are named. */
const namesOf = (schema: string, url: string, runs: readonly string[]): Promise<ReadonlySet<string>> =>
  withClient(async (client) => {
    const { rows } = await client.query(
      runs.length > 0
        ? `select owner as name from ${schema}.work where journal_id in (select 'run:' || id from unnest($1::text[]) id)`
        : `select process_id as name from ${schema}.processes where $1::text[] is not null`,
      [runs],
    )
    return new Set(rows.map(({ name }) => String(name)))
  }, url)

async function ended(service: Troupe, id: string): Promise<void> {
  const run = await service.user('ada').orchestra.get(id)
  for (let attempts = 0; (await run.status()).status === 'running'; attempts++) {
    if (attempts > 1_000) throw new Error(`${id} was not taken over`)
    await pause(20)
  }
}

async function journalOf(service: Troupe, id: string): Promise<string> {
  const { journal, result } = await service.user('ada').orchestra.export(id)
  return JSON.stringify([journal.length, result])
}

async function leftBy(service: Troupe, ids: readonly string[], ledger: string): Promise<readonly string[]> {
  const problems: string[] = []
  const ada = service.user('ada')
  for (const id of ids) {
    if ((await ada.context.get(`${id}.early`)) !== 1) problems.push(`${id}: what was committed before is lost`)
    if ((await ada.context.get(`${id}.late`)) !== undefined) problems.push(`${id}: a late context write`)
    if (linesOf(ledger).some((line) => line.endsWith(` ${id}`))) problems.push(`${id}: a late effect`)
  }
  const { waiting, leased } = await ada.agent('Log').mailbox.counts()
  if (waiting + leased > 0) problems.push(`${waiting + leased} late messages`)
  return problems
}
