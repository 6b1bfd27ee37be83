/** Random groups of changes against a model of plain maps: what is refused leaves nothing, the rest is all there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { missingServer, server, withClient } from '../../test/postgres/postgres-server.ts'
import { createVirtualClock, seededRandom, type UserId } from '../core/index.ts'
import { type Change, type CommitResult, openStorage, type Statement, type Storage } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-atomicity-'))
afterAll(() => rmSync(folder, { recursive: true }))
const table = 'create table counters (user_id text, key text, number integer, primary key (user_id, key))'
const migrations = [
  { module: 'model', version: 1, name: 'counters', lowestReader: 1, up: { sqlite: [table], postgres: [table] } },
]

type Operation = {
  readonly kind: 'insert' | 'bump' | 'delete' | 'guard'
  readonly key: string
  readonly rows: number | null
}
interface Planned {
  readonly id: string | null
  readonly operations: readonly Operation[]
  readonly items: number
}

const sql = {
  insert: 'insert into counters values ($1, $2, 1)',
  bump: 'update counters set number = number + 1 where user_id = $1 and key = $2',
  delete: 'delete from counters where user_id = $1 and key = $2',
  guard: 'select 1 from counters where user_id = $1 and key = $2',
}
/** The engines write numbered parameters in two ways. */
const textFor = ({ dialect }: Storage, text: string) => (dialect.name === 'sqlite' ? text.replaceAll('$', '?') : text)
const toChange = (storage: Storage, { id, operations, items }: Planned, user: UserId): Change => ({
  id,
  scope: { user },
  statements: operations.map(
    ({ kind, key, rows }): Statement => ({
      sql: textFor(storage, sql[kind]),
      binds: [user, key],
      ...(rows === null ? {} : { expect: { rows } }),
    }),
  ),
  feed: Array.from({ length: items }, (_, i) => ({ kind: 'put', key: `${i}`, data: '{}' }) as const),
})

class Model {
  counters = new Map<string, number>()
  readonly ids = new Map<string, number | null>()
  revision = 0

  commit({ id, operations, items }: Planned): Partial<CommitResult> {
    if (id !== null && this.ids.has(id))
      return { ok: true, repeated: true, revision: this.ids.get(id) as number | null }
    const staged = new Map(this.counters)
    for (const [statement, { kind, key, rows }] of operations.entries()) {
      const there = staged.get(key)
      if (kind === 'insert' && there !== undefined) return { ok: false, statement, found: 0 }
      const found = kind === 'insert' || there !== undefined ? 1 : 0
      if (kind === 'insert') staged.set(key, 1)
      if (kind === 'bump' && there !== undefined) staged.set(key, there + 1)
      if (kind === 'delete') staged.delete(key)
      if (rows !== null && rows !== found) return { ok: false, statement, found }
    }
    this.counters = staged
    const revision = items > 0 ? ++this.revision : null
    if (id !== null) this.ids.set(id, revision)
    return { ok: true, repeated: false, revision }
  }
}

const operation = fc.record({
  kind: fc.constantFrom('insert', 'bump', 'delete', 'guard'),
  key: fc.constantFrom('a', 'b', 'c'),
  rows: fc.constantFrom(null, null, 0, 1),
}) satisfies fc.Arbitrary<Operation>
const planned = fc.record({
  id: fc.option(fc.constantFrom('1', '2', '3', '4'), { freq: 2 }),
  operations: fc.array(operation, { maxLength: 4 }),
  items: fc.nat({ max: 2 }),
}) satisfies fc.Arbitrary<Planned>
const groups = fc.array(fc.array(planned, { minLength: 1, maxLength: 8 }), { maxLength: 6 })

async function agrees(storage: Storage, plan: readonly (readonly Planned[])[], user: UserId): Promise<void> {
  const model = new Model()
  for (const group of plan) {
    const results = await Promise.all(group.map((each) => storage.commit(toChange(storage, each, user))))
    expect(results).toMatchObject(group.map((each) => model.commit(each)))
  }
  const text = textFor(storage, 'select key, number from counters where user_id = $1')
  const all = { sql: text, binds: [user], returns: true }
  const [rows] = await storage.read({ user }, [all])
  expect(new Map(rows?.map(({ key, number }) => [key, number]))).toEqual(model.counters)
  expect((await storage.feed(user, 0, 1)).head).toBe(model.revision)
}

let files = 0
test.each([
  ['memory', (): string => 'memory:', 300],
  ['a file', (): string => `sqlite:${join(folder, `${files++}.db`)}`, 12],
] as const)('Groups of changes have the same result in %s as in the reference model.', async (_, url, numRuns) => {
  await fc.assert(
    fc.asyncProperty(groups, async (plan) => {
      const storage = await openStorage({
        url: url(),
        migrations,
        clock: createVirtualClock(),
        random: seededRandom(1),
      })
      try {
        await agrees(storage, plan, 'ada' as UserId)
      } finally {
        await storage.close()
      }
    }),
    { numRuns },
  )
})

const missing = await missingServer()

test.skipIf(missing)('Groups of changes have the same result on PostgreSQL as in the reference model.', async () => {
  const schema = `troupe_atomicity_${process.pid}`
  const options = { migrations, clock: createVirtualClock(), random: seededRandom(1) }
  const storage = await openStorage({ ...options, url: server, postgres: { schema } })
  let users = 0
  try {
    await fc.assert(
      fc.asyncProperty(groups, (plan) => agrees(storage, plan, `user ${users++}` as UserId)),
      { numRuns: 60 },
    )
  } finally {
    await storage.close()
    await withClient((client) => client.query(`drop schema ${schema} cascade`))
  }
})
