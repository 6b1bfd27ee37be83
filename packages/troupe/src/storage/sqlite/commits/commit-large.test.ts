/** A change too large for one section: its slices are one transaction, in memory, on a file and beside faults. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { seededRandom, systemClock, type UserId } from '../../../core/index.ts'
import { createDisk, type Faults, openStorage, type Statement } from '../../index.ts'

const user = 'ada' as UserId
const folder = mkdtempSync(join(tmpdir(), 'troupe-large-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const migrations = [
  {
    module: 'notes',
    version: 1,
    name: 'notes',
    lowestReader: 1,
    up: { sqlite: ['create table notes (id integer primary key, text text unique)'], postgres: [] },
  },
]
const insertCount = 3_000

async function open(url: string, faults?: Partial<Faults>) {
  const clock = systemClock
  const random = seededRandom(1)
  const all = faults && { faults: { clock, random, ...faults } }
  const storage = await openStorage({ url, migrations, clock, random, ...all })
  const insert = (text: string, more: Partial<Statement> = {}): Statement => ({
    sql: 'insert into notes (text) values (?)',
    binds: [text],
    ...more,
  })
  const inserts = (name: string) => Array.from({ length: insertCount }, (_, i) => insert(`${name} ${i}`))
  const commit = (statements: readonly Statement[], id: string | null = null, items = 0) =>
    storage.commit({
      id,
      scope: { user },
      statements,
      feed: Array.from({ length: items }, (_, i) => ({ kind: 'put', key: `k${i}`, data: '1' })),
    })
  const count = async () => {
    const sql = 'select count(*) as count from notes'
    return (await storage.read({ user }, [{ sql, binds: [], returns: true }]))[0]?.[0]?.count
  }
  return { storage, insert, inserts, commit, count }
}

for (const engine of ['memory', 'file']) {
  const url = (name: string) => (engine === 'memory' ? 'memory:' : `sqlite:${join(folder, `${name}.db`)}`)

  test(`A large change in ${engine} gives each statement its rows and each feed item its place.`, async () => {
    const { storage, insert, inserts, commit, count } = await open(url('whole'))
    const returning = insert('last', { sql: 'insert into notes (text) values (?) returning text', returns: true })
    const result = await commit([...inserts('a'), returning], null, insertCount)
    expect(result).toMatchObject({ ok: true, revision: 1, repeated: false })
    if (!result.ok) return
    expect(result.affected).toHaveLength(insertCount + 1)
    expect(result.rows.at(-1)).toEqual([{ text: 'last' }])
    expect(await count()).toBe(insertCount + 1)
    const page = await storage.feed(user, 0, insertCount)
    expect(page.items.map(({ key }) => key)).toEqual(Array.from({ length: insertCount }, (_, i) => `k${i}`))
    await storage.close()
  })

  test(`A large change in ${engine} that a late statement rejects leaves nothing.`, async () => {
    const { storage, insert, inserts, commit, count } = await open(url('rejected'))
    const twice = insert('a 0', { otherwise: 'context.conflict' })
    expect(await commit([...inserts('a'), twice])).toEqual({
      ok: false,
      code: 'context.conflict',
      statement: insertCount,
      found: 0,
    })
    expect(await count()).toBe(0)
    expect(await commit([insert('b')])).toMatchObject({ ok: true })
    expect(await count()).toBe(1)
    await storage.close()
  })

  test(`A read in ${engine} beside a large change sees all of it or nothing, and other work gets its turn.`, async () => {
    const { storage, insert, inserts, commit, count } = await open(url('reads'))
    let turns = 0
    let isOver = false
    const turn = () => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    const seen = new Set<unknown>()
    const large = commit(inserts('a')).then(() => {
      isOver = true
    })
    const small = commit([insert('behind it')])
    while (!isOver) {
      seen.add(await count())
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all([large, small])
    expect(turns).toBeGreaterThan(insertCount / 512)
    for (const found of seen) expect([0, insertCount, insertCount + 1]).toContain(found)
    expect(await count()).toBe(insertCount + 1)
    await storage.close()
  })

  test(`A large change in ${engine} with an id is made once.`, async () => {
    const { storage, inserts, commit, count } = await open(url('once'))
    expect(await commit(inserts('a'), 'c1', 1)).toMatchObject({ ok: true, repeated: false, revision: 1 })
    expect(await commit(inserts('a'), 'c1', 1)).toMatchObject({ ok: true, repeated: true, revision: 1 })
    expect(await count()).toBe(insertCount)
    await storage.close()
  })

  test(`A value that storage would change rejects a large change in ${engine} before its first slice.`, async () => {
    const { storage, insert, inserts, commit, count } = await open(url('checked'))
    await expect(commit([...inserts('a'), insert('half \ud800')])).rejects.toMatchObject({ code: 'validation.failed' })
    expect(await count()).toBe(0)
    await storage.close()
  })

  test(`A large change in ${engine} reads integers beyond 2^53.`, async () => {
    const { storage, inserts, commit } = await open(url('integers'))
    const big = { sql: 'select 9007199254740993 as big', binds: [], returns: true }
    const result = await commit([...inserts('a'), big])
    expect(result.ok && result.rows.at(-1)).toEqual([{ big: 9007199254740993n }])
    await storage.close()
  })
}

test('An invalid statement in a large change is named, and nothing of the change stays.', async () => {
  const { storage, inserts, commit, count } = await open('memory:')
  const invalid = { sql: 'insert into nowhere values (1)', binds: [] }
  await expect(commit([...inserts('a'), invalid])).rejects.toMatchObject({ code: 'invariant.broken' })
  expect(await count()).toBe(0)
  await storage.close()
})

test('A fault between two slices rolls the whole change back.', async () => {
  const { storage, insert, inserts, commit, count } = await open('memory:', {
    at: (batch) => (batch === 3 ? 'io-before' : undefined),
  })
  await expect(commit(inserts('a'))).rejects.toMatchObject({ code: 'storage.io' })
  expect(await count()).toBe(0)
  expect(await commit([insert('b')])).toMatchObject({ ok: true })
  expect(await count()).toBe(1)
  await storage.close()
})

test('A disk whose owner died between two slices has nothing of the change.', async () => {
  const disk = createDisk()
  const first = await open('memory:', { disk, at: (batch) => (batch === 3 ? 'dead' : undefined) })
  await expect(first.commit(first.inserts('a'))).rejects.toMatchObject({ code: 'storage.io' })
  const second = await open('memory:', { disk })
  expect(await second.count()).toBe(0)
  expect(await second.commit([second.insert('b')])).toMatchObject({ ok: true })
  await second.storage.close()
})

test('A read that waits for a large change in memory is answered, although the storage is closed meanwhile.', async () => {
  const { storage, inserts, commit, count } = await open('memory:')
  const changes = [commit(inserts('a')), commit(inserts('b'))]
  await new Promise(setImmediate)
  const counted = count()
  await storage.close()
  expect(await counted).toBe(2 * insertCount)
  expect(await Promise.all(changes)).toMatchObject([{ ok: true }, { ok: true }])
})
