/** From one release to the next and back, one process at a time, while runs go on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server, withClient } from '../postgres/postgres-server.ts'
import { type Build, Processes, pause, type Started } from './cli-processes.ts'
import { readLedger, repeatsOf } from './ledger.ts'
import { buildNextRelease, plantedColumn } from './next-release.ts'

const missing = await missingServer()
const schema = schemaName('upgrade')
const key = 'k'.repeat(32)
const headers = { 'content-type': 'application/json', 'x-api-key': key, 'troupe-user': 'ada' }
const steps = 25

describe.skipIf(missing !== undefined)('two releases', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-upgrade-'))
  const env = {
    TROUPE_STORAGE: server,
    TROUPE_STORAGE_SCHEMA: schema,
    TROUPE_SERVER_KEY: key,
    TROUPE_LOG: 'error',
  }
  const here = new Processes(env)
  let next: Build
  let there: Processes

  beforeAll(async () => {
    next = buildNextRelease()
    there = new Processes(env, next)
    await here.run('migrate')
  })
  afterAll(async () => {
    await Promise.all([here.close(), there?.close()])
    await dropSchema(schema)
    rmSync(folder, { recursive: true })
    if (next) rmSync(next.folder, { recursive: true })
  })

  const call = async (at: Started, path: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${at.url}${path}`, { headers, ...init })
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is
    return (await answer.json()) as any
  }
  const ledgerOf = (run: string) => join(folder, run)
  const begin = async (at: Started, ...runs: readonly string[]) => {
    for (const id of runs)
      expect(await call(at, '/v1/runs', { id, task: { ledger: ledgerOf(id), steps }, team: 'work' })).toEqual({
        run: id,
      })
  }
  /** A server and a worker of a release take the places of those of the other one, each when its successor is there. */
  const roll = async (from: Processes, old: readonly [Started, Started], to: Processes) => {
    const worker = await to.start('worker')
    expect(await from.stop(old[1])).toBe(true)
    const serving = await to.start('serve', '--port', '0')
    expect(await from.stop(old[0])).toBe(true)
    return [serving, worker] as const
  }
  const columns = () =>
    withClient(async (client) => {
      const { rows } = await client.query(
        'select 1 from information_schema.columns where table_schema = $1 and table_name = $2 and column_name = $3',
        [schema, plantedColumn.table, plantedColumn.column],
      )
      return rows.length
    })

  test('Two releases replace each other one process at a time, forward and back, and every run ends correctly.', async () => {
    const before = [await here.start('serve', '--port', '0'), await here.start('worker')] as const
    await begin(before[0], 'old-1', 'old-2')
    await there.run('migrate')
    expect(await columns()).toBe(1)
    // The older release goes on over the newer tables.
    await begin(before[0], 'old-3')
    const newer = await roll(here, before, there)
    await begin(newer[0], 'new-1', 'new-2')
    const [back] = await roll(there, newer, here)
    await begin(back, 'back-1')

    for (const run of ['old-1', 'old-2', 'old-3', 'new-1', 'new-2', 'back-1']) {
      let question: string | undefined
      while (question === undefined) {
        await pause(100)
        const found = await call(back, `/v1/runs/${run}/result?wait=5s`)
        expect(found.status, JSON.stringify(found)).toMatch(/^(running|waiting)$/)
        question = found.questions?.[0]?.id
      }
      expect(await call(back, `/v1/runs/${run}/answers`, { question, value: 'red' })).toEqual({ ok: true })
      let result = await call(back, `/v1/runs/${run}/result?wait=30s`)
      while (result.status === 'running') result = await call(back, `/v1/runs/${run}/result?wait=30s`)
      expect(result).toMatchObject({ status: 'completed', response: `${steps} steps, red` })
      const did = readLedger(ledgerOf(run))
      expect(new Set(did.map(({ what }) => what))).toEqual(new Set([...Array(steps).keys(), 'red'].map(String)))
      const { repeats, changes } = repeatsOf(did)
      expect(repeats).toBeLessThanOrEqual(changes)
    }
  })
})
