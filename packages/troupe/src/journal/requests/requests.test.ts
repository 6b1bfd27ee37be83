import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { createIds, createVirtualClock, seededRandom } from '../../core/index.ts'
import { openStorage, type Storage } from '../../storage/index.ts'
import { journalMigrations } from '../journal-migrations.ts'
import type { RequestClaim } from './request-claim.ts'
import { Requests } from './requests.ts'

const missing = await missingServer()
const schema = schemaName('request_claims')
const folder = mkdtempSync(join(tmpdir(), 'troupe-requests-'))
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (missing === undefined) await dropSchema(schema)
})
const engines = [
  { engine: 'memory', url: 'memory:', isShared: false },
  { engine: 'SQLite', url: `sqlite:${join(folder, 'troupe.db')}`, isShared: false },
  ...(missing === undefined ? [{ engine: 'PostgreSQL', url: 'postgres:', isShared: true }] : []),
]

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Two processes with one clock; on PostgreSQL each has its own storage on one database. */
async function twoProcesses({ url, isShared }: (typeof engines)[number], user: string) {
  const clock = createVirtualClock()
  const ids = createIds(clock, seededRandom('ids'))
  // Of two processes no two changes have the same id, so each has a seed of its own.
  const open = async (seed: number) => {
    const postgres = isShared ? { postgres: { url: server, schema } } : {}
    const options = { url, ...postgres, migrations: journalMigrations, clock, random: seededRandom(seed) }
    const storage = await openStorage({ ...options, time: 'clock' as const })
    closing.push(() => storage.close())
    return storage
  }
  const first = await open(1)
  const second = isShared ? await open(2) : first
  const of = (storage: Storage) => new Requests({ storage, clock, ids })
  const firstProcess = of(first)
  let other = 0
  /** Advances the clock. A later change of the user is committed after the renewal that a timer has started. */
  const pass = async (minutes: number) => {
    for (let i = 0; i < minutes * 3; i++) {
      await clock.advance('20s')
      const { claim } = (await firstProcess.begin(user, `another-${other++}`, 'h')) as { claim: RequestClaim }
      await claim.end(undefined)
    }
  }
  return { clock, ids, storage: first, firstProcess, secondProcess: of(second), pass }
}
const claimOf = (start: Awaited<ReturnType<Requests['begin']>>): RequestClaim => {
  if (start.state !== 'new') throw new Error(`The request is ${start.state}.`)
  return start.claim
}

describe.each(engines)('requests on $engine', (engine) => {
  it(`A request on ${engine.engine} is claimed by one process for as long as the process executes it.`, async () => {
    const { firstProcess, secondProcess, pass } = await twoProcesses(engine, 'ada')
    const claim = claimOf(await firstProcess.begin('ada', 'long', 'h'))
    for (let i = 0; i < 3; i++) {
      await pass(2)
      expect(await secondProcess.begin('ada', 'long', 'h')).toEqual({ state: 'running' })
    }
    expect(await secondProcess.begin('ada', 'long', 'else')).toEqual({ state: 'other' })
    await claim.end('the answer')
    expect(await secondProcess.begin('ada', 'long', 'h')).toEqual({ state: 'answered', answer: 'the answer' })
  })

  it(`A request on ${engine.engine} of a process that died is claimed after its lease, and only the new claim stores an answer.`, async () => {
    const { clock, ids, storage, secondProcess } = await twoProcesses(engine, 'bob')
    const stopped = new Requests({ storage, clock: createVirtualClock(), ids })
    const lost = claimOf(await stopped.begin('bob', 'lost', 'h'))
    await clock.advance('119s')
    expect(await secondProcess.begin('bob', 'lost', 'h')).toEqual({ state: 'running' })
    await clock.advance('2s')
    const claim = claimOf(await secondProcess.begin('bob', 'lost', 'h'))
    await lost.end('late')
    expect(await stopped.begin('bob', 'lost', 'h')).toEqual({ state: 'running' })
    await claim.end('second')
    await lost.end(undefined)
    expect(await stopped.begin('bob', 'lost', 'h')).toEqual({ state: 'answered', answer: 'second' })
  })

  it(`An answer on ${engine.engine} is stored for a day after the request ended, and a failed request may be repeated.`, async () => {
    const { clock, firstProcess, secondProcess, pass } = await twoProcesses(engine, 'eve')
    const claim = claimOf(await firstProcess.begin('eve', 'day', 'h'))
    await pass(5)
    await claim.end('yes')
    await clock.advance('1439m')
    expect(await secondProcess.begin('eve', 'day', 'h')).toEqual({ state: 'answered', answer: 'yes' })
    await clock.advance('2m')
    await claimOf(await secondProcess.begin('eve', 'day', 'h')).end(undefined)
    await claimOf(await firstProcess.begin('eve', 'day', 'h')).end(undefined)
  })
})

it('A claim of a request stores its answer later if the storage fails at the end of the request.', async () => {
  const { clock, ids, storage } = await twoProcesses({ engine: 'memory', url: 'memory:', isShared: false }, 'ada')
  let isBroken = false
  const failing = {
    dialect: storage.dialect,
    state: () => storage.state(),
    read: (scope, statements) => storage.read(scope, statements),
    commit: (change) => (isBroken ? Promise.reject(new Error('disk full')) : storage.commit(change)),
  } as Storage
  const requests = new Requests({ storage: failing, clock, ids })
  const claim = claimOf(await requests.begin('ada', 'r', 'h'))
  isBroken = true
  await claim.end('once')
  isBroken = false
  expect(await requests.begin('ada', 'r', 'h')).toEqual({ state: 'running' })
  await clock.advance('1m')
  expect(await requests.begin('ada', 'r', 'h')).toEqual({ state: 'answered', answer: 'once' })
})
