/** The tests that every storage engine must pass. */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { checkFunction, createVirtualClock, type UserId, type VirtualClock } from '../../core/index.ts'
import { type Change, type CommitResult, createBlobs, type Hint, type Storage } from '../../storage/index.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { type ItemQueries, itemMigration, itemQueries } from './item-queries.ts'
import type { OpenForConformance } from './open-for-conformance.ts'

interface Fixture {
  readonly storage: Storage
  readonly clock: VirtualClock
  readonly items: ItemQueries
}

const ada = 'ada' as UserId
const bob = 'bob' as UserId

const change = (user: UserId, statements: Change['statements'], more: Partial<Change> = {}): Change => ({
  id: null,
  scope: { user },
  statements,
  ...more,
})
const put = (key: string) => ({ kind: 'put', key, data: '{}' }) as const

function succeeded(result: CommitResult): CommitResult & { ok: true } {
  ok(result.ok, result.ok ? '' : `refused: ${result.code} at statement ${result.statement}, found ${result.found}`)
  return result
}
function rejected(result: CommitResult): CommitResult & { ok: false } {
  ok(!result.ok, 'it was committed')
  return result
}
const code = (expected: string) => (error: unknown) => {
  equal((error as { code?: unknown }).code, expected)
  return true
}

/**
 * @param open gives an empty storage with these migrations and this clock
 * @example for (const { name, run } of storageConformance(open)) test(name, run)
 */
export function storageConformance(open: OpenForConformance): readonly ConformanceCase[] {
  checkFunction('The argument of storageConformance', open)
  return Object.entries(cases).map(([name, run]) => ({
    name,
    async run() {
      const clock = createVirtualClock()
      const storage = await open({ migrations: [itemMigration], clock })
      try {
        await run({ storage, clock, items: itemQueries(storage.dialect) })
      } finally {
        await storage.close()
      }
    },
  }))
}

const cases: Readonly<Record<string, (fixture: Fixture) => Promise<void>>> = {
  async 'a change commits all of its statements'({ storage, items }) {
    const result = succeeded(
      await storage.commit(change(ada, [items.insert(ada, 'a', 1), items.insert(ada, 'b', 2), items.bump(ada)])),
    )
    deepEqual(result.affected, [1, 1, 2])
    equal(result.revision, null)
    equal(result.repeated, false)
    deepEqual(await items.all(storage, ada), { a: 2, b: 3 })
  },

  async 'a failed expectation is a value, names its statement, and undoes the whole change'({ storage, items }) {
    const statements = [
      items.insert(ada, 'a', 1),
      { ...items.bump(ada), expect: { rows: 7 }, otherwise: 'journal.lost', detail: { journal: 'x' } } as const,
      items.insert(ada, 'b', 1),
    ]
    const result = rejected(await storage.commit(change(ada, statements, { feed: [put('a')], wake: ['timers'] })))
    deepEqual(result, { ok: false, code: 'journal.lost', statement: 1, found: 1, detail: { journal: 'x' } })
    deepEqual(await items.all(storage, ada), {})
    equal((await storage.feed(ada, 0, 10)).head, 0)
  },

  async 'expectations are a number, a range, or as many as an earlier statement'({ storage, items }) {
    const attempt = async (expect: NonNullable<Change['statements'][number]['expect']>) =>
      (await storage.commit(change(ada, [items.bump(ada), { ...items.select(ada), expect }]))).ok
    succeeded(await storage.commit(change(ada, [items.insert(ada, 'a', 1), items.insert(ada, 'b', 1)])))
    deepEqual(
      [await attempt({ rows: 2 }), await attempt({ rows: 1 }), await attempt({ min: 2 }), await attempt({ min: 3 })],
      [true, false, true, false],
    )
    deepEqual(
      [await attempt({ max: 2 }), await attempt({ max: 1 }), await attempt({ min: 1, max: 3 })],
      [true, false, true],
    )
    deepEqual([await attempt({ sameAs: 0 }), await attempt({})], [true, true])
    const none = { ...items.bump(bob), expect: { sameAs: 0 } }
    equal(rejected(await storage.commit(change(ada, [items.bump(ada), none]))).found, 0)
  },

  async 'a change that fails leaves the changes beside it alone'({ storage, items }) {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        storage.commit(
          change(ada, [
            items.insert(ada, `k${i}`, i),
            { ...items.select(ada), expect: { max: i % 5 === 3 ? 0 : 100 } },
          ]),
        ),
      ),
    )
    deepEqual(
      results.map(({ ok }) => ok),
      results.map((_, i) => i % 5 !== 3),
    )
    equal(Object.keys(await items.all(storage, ada)).length, 40)
  },

  async 'a key that is taken is a failed expectation'({ storage, items }) {
    succeeded(await storage.commit(change(ada, [items.insert(ada, 'a', 1)])))
    const conflicting = { ...items.insert(ada, 'a', 2), otherwise: 'context.conflict' } as const
    const result = rejected(await storage.commit(change(ada, [items.insert(ada, 'b', 1), conflicting])))
    deepEqual([result.code, result.statement, result.found], ['context.conflict', 1, 0])
    deepEqual(await items.all(storage, ada), { a: 1 })
  },

  async 'a statement that the engine does not take rejects, alone'({ storage, items }) {
    const wrong = { sql: 'select nothing from nowhere', binds: [] }
    const [before, bad, after] = await Promise.allSettled([
      storage.commit(change(ada, [items.insert(ada, 'a', 1)])),
      storage.commit(change(ada, [items.insert(ada, 'b', 1), wrong])),
      storage.commit(change(ada, [items.insert(ada, 'c', 1)])),
    ])
    equal(bad.status, 'rejected')
    code('invariant.broken')(bad.reason)
    deepEqual([before.status, after.status], ['fulfilled', 'fulfilled'])
    deepEqual(await items.all(storage, ada), { a: 1, c: 1 })
  },

  async 'rows come back as plain objects, of those statements that return'({ storage, items }) {
    const { rows } = succeeded(
      await storage.commit(
        change(ada, [
          items.insert(ada, 'a', 1),
          { ...items.bump(ada), returns: true },
          { ...items.select(ada), returns: true },
        ]),
      ),
    )
    deepEqual(rows, [[], [{ key: 'a', number: 2 }], [{ key: 'a', number: 2 }]])
    const [read] = await storage.read({ user: ada }, [{ ...items.select(ada), returns: true }])
    equal(Object.getPrototypeOf(read?.[0]), Object.prototype)
    equal(Object.getPrototypeOf(rows[1]?.[0]), Object.prototype)
  },

  async 'a repeated id commits once and says so'({ storage, items }) {
    const once = change(ada, [{ ...items.insert(ada, 'a', 1), returns: false }], { id: 'c1', feed: [put('a')] })
    const first = succeeded(await storage.commit(once))
    const repeats = await Promise.all([storage.commit(once), storage.commit(once)])
    for (const result of repeats)
      deepEqual(result, { ok: true, rows: [], affected: [], revision: 1, at: first.at, repeated: true })
    equal((await storage.feed(ada, 0, 10)).head, 1)
    const combined = change(ada, [items.insert(ada, 'b', 1)], { id: 'c2' })
    const results = await Promise.all([storage.commit(combined), storage.commit(combined)])
    deepEqual(
      results.map((result) => result.ok && result.repeated),
      [false, true],
    )
  },

  async 'an id belongs to its user, and a refused change does not use it up'({ storage, items }) {
    succeeded(await storage.commit(change(ada, [items.insert(ada, 'a', 1)], { id: 'c1' })))
    equal(succeeded(await storage.commit(change(bob, [items.insert(bob, 'a', 1)], { id: 'c1' }))).repeated, false)
    rejected(await storage.commit(change(ada, [{ ...items.bump(ada), expect: { rows: 5 } }], { id: 'c2' })))
    equal(succeeded(await storage.commit(change(ada, [items.bump(ada)], { id: 'c2' }))).repeated, false)
  },

  async 'revisions are gapless per user, one per change with feed items'({ storage, items }) {
    const commits = Array.from({ length: 60 }, (_, i) => {
      const user = i % 3 === 0 ? bob : ada
      const fails = i % 7 === 6
      const guard = { ...items.select(user), expect: { min: fails ? 1 : 0 } }
      const feed = i % 5 === 4 ? [] : [put(`${i}`), put(`${i}+`)]
      return storage.commit(change(user, [guard], { feed })).then((result) => ({ user, result, feed }))
    })
    const done = await Promise.all(commits)
    for (const user of [ada, bob]) {
      const numbers = done.flatMap(({ user: of, result }) => (of === user && result.ok && result.revision) || [])
      deepEqual(
        numbers,
        numbers.map((_, i) => i + 1),
      )
      const page = await storage.feed(user, 0, 1_000)
      equal(page.head, numbers.length)
      deepEqual(
        page.items.map(({ revision, ordinal }) => [revision, ordinal]),
        numbers.flatMap((number) => [
          [number, 0],
          [number, 1],
        ]),
      )
    }
  },

  async 'the feed comes in pages of whole revisions, after a revision'({ storage }) {
    for (let i = 1; i <= 4; i++)
      await storage.commit(change(ada, [], { feed: [put(`${i}a`), put(`${i}b`), put(`${i}c`)] }))
    const keys = async (after: number, limit: number) =>
      (await storage.feed(ada, after, limit)).items.map(({ key }) => key)
    deepEqual(await keys(0, 7), ['1a', '1b', '1c', '2a', '2b', '2c'])
    deepEqual(await keys(2, 6), ['3a', '3b', '3c', '4a', '4b', '4c'])
    deepEqual(await keys(1, 1), ['2a', '2b', '2c'])
    deepEqual(await keys(4, 5), [])
    deepEqual(await storage.feed(bob, 0, 5), { items: [], head: 0, horizon: 0 })
  },

  async 'items of the feed come back as they were, with the time of their commit'({ storage, clock }) {
    const item = { kind: 'removed', key: 'ключ \u{1F600}', data: '{"a":"\\u0000"}' } as const
    const { at } = succeeded(await storage.commit(change(ada, [], { feed: [item] })))
    equal(at, clock.now())
    deepEqual((await storage.feed(ada, 0, 1)).items, [{ ...item, revision: 1, ordinal: 0, at }])
  },

  async 'now is bound by the storage, with an offset, and never goes back'({ storage, clock, items }) {
    const stamp = async (plusMs: number) => {
      const result = succeeded(await storage.commit(change(ada, [items.stamp(ada, 't', { $: 'now', plusMs })])))
      return { stored: (await items.all(storage, ada)).t, at: result.at }
    }
    const first = await stamp(500)
    equal(first.stored, first.at + 500)
    equal(first.at, clock.now())
    await clock.advance('3s')
    equal((await stamp(0)).at, first.at + 3_000)
  },

  async 'values come back exactly'({ storage, items }) {
    const big = 2n ** 63n - 1n
    const text = 'é\u{1F600}\r\n\'"\\ ﷽'
    const bytes = Uint8Array.from([0, 255, 1, 128])
    await storage.commit(
      change(ada, [items.wide(ada, 'w', text, bytes, big), items.insert(ada, 'n', Number.MAX_SAFE_INTEGER)]),
    )
    const [rows] = await storage.read({ user: ada }, [items.readWide(ada, 'w')])
    const row = rows?.[0]
    deepEqual([row?.text, row?.number], [text, big])
    deepEqual(Uint8Array.from(row?.bytes as Uint8Array), bytes)
    equal((await items.all(storage, ada)).n, Number.MAX_SAFE_INTEGER)
    const back = succeeded(await storage.commit(change(ada, [{ ...items.bump(ada, -1), returns: true }])))
    deepEqual(new Set(back.rows[0]?.map(({ number }) => number)), new Set([Number.MAX_SAFE_INTEGER - 1, big - 1n]))
  },

  async 'an integer stays one in a column of text'({ storage, items }) {
    await storage.commit(change(ada, [items.wide(ada, 'w', 5 as unknown as string, null, 1)]))
    const [rows] = await storage.read({ user: ada }, [items.readWide(ada, 'w')])
    equal(rows?.[0]?.text, '5')
  },

  async 'values that would be stored as something else are refused'({ storage, items }) {
    for (const text of ['a\0b', '\ud800', 'x\udc00y'])
      await rejects(storage.commit(change(ada, [items.wide(ada, 'w', text, null, 1)])), code('validation.failed'))
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2n ** 63n])
      await rejects(storage.commit(change(ada, [items.insert(ada, 'n', number)])), code('validation.failed'))
    await rejects(storage.commit(change(ada, [], { feed: [put('a\0')] })), code('validation.failed'))
    deepEqual(await items.all(storage, ada), {})
  },

  async 'a read sees one snapshot that holds what was acknowledged before'({ storage, items }) {
    await storage.commit(change(ada, [items.insert(ada, 'a', 0)]))
    const write = async () => {
      for (let i = 1; i <= 30; i++) {
        await storage.commit(change(ada, [items.bump(ada)]))
        ok(((await items.all(storage, ada)).a as number) >= i)
      }
    }
    const read = async () => {
      for (let i = 0; i < 30; i++) {
        const two = [items.select(ada), items.select(ada)].map((statement) => ({ ...statement, returns: true }))
        const [one, other] = await storage.read({ user: ada }, two)
        deepEqual(one, other)
      }
    }
    await Promise.all([write(), read()])
  },

  async 'a read refuses to write, and judges expectations'({ storage, items }) {
    await rejects(storage.read({ user: ada }, [items.insert(ada, 'a', 1)]), code('invariant.broken'))
    await rejects(storage.read({ user: ada }, [{ ...items.bump(ada), returns: true }]), code('invariant.broken'))
    const guard = { ...items.select(ada), expect: { rows: 1 }, otherwise: 'context.conflict' } as const
    await rejects(storage.read({ user: ada }, [guard]), code('context.conflict'))
    deepEqual(await items.all(storage, ada), {})
  },

  async 'hints come after the commit, once per user and queue of a group'({ storage, items }) {
    const hints: Hint[] = []
    const off = storage.onHint((hint) => hints.push(hint))
    await Promise.all([
      storage.commit(change(ada, [], { feed: [put('a')], wake: ['cleanup', 'outbox'] })),
      storage.commit(change(ada, [], { feed: [put('b')], wake: ['outbox'] })),
      storage.commit(
        change(bob, [{ ...items.bump(bob), expect: { rows: 1 } }], { feed: [put('a')], wake: ['timers'] }),
      ),
    ])
    const newest = hints.flatMap((hint) => ('user' in hint && hint.user === ada ? hint.revision : []))
    equal(Math.max(...newest), 2)
    const works = new Set(hints.flatMap((hint) => ('work' in hint ? hint.work : [])))
    deepEqual([...works].sort(), ['cleanup', 'outbox'])
    ok(hints.length <= 6)
    ok(!hints.some((hint) => 'user' in hint && hint.user === bob))
    off()
    hints.length = 0
    await storage.commit(change(ada, [], { feed: [put('c')] }))
    deepEqual(hints, [])
  },

  async 'thousands of changes at once are all answered, in their order'({ storage, items }) {
    await storage.commit(change(ada, [items.insert(ada, 'a', 0)]))
    const results = await Promise.all(
      Array.from({ length: 3_000 }, () => storage.commit(change(ada, [{ ...items.bump(ada), returns: true }]))),
    )
    deepEqual(
      results.map((result) => result.ok && result.rows[0]?.[0]?.number),
      results.map((_, i) => i + 1),
    )
  },

  async 'more kinds of statements than the cache holds all work repeatedly'({ storage, items }) {
    for (let round = 0; round < 2; round++) {
      const results = await Promise.all(
        Array.from({ length: 1_200 }, (_, i) => storage.commit(change(ada, [items.constant(i)]))),
      )
      deepEqual(
        results.map((result) => result.ok && result.rows[0]?.[0]?.constant),
        results.map((_, i) => i),
      )
    }
  },

  async 'closing answers what was accepted and refuses what comes later'({ storage, items }) {
    const accepted = Array.from({ length: 20 }, (_, i) => storage.commit(change(ada, [items.insert(ada, `${i}`, i)])))
    const closing = storage.close()
    for (const result of await Promise.all(accepted)) succeeded(result)
    await closing
    equal(storage.state().state, 'closed')
    await rejects(storage.commit(change(ada, [])), code('troupe.closed'))
    await rejects(storage.read({ user: ada }, [items.select(ada)]), code('troupe.closed'))
    await storage.close()
  },

  async 'sizes are figures of the whole database'({ storage, items }) {
    await storage.commit(change(ada, [items.insert(ada, 'a', 1), items.insert(ada, 'b', 1)]))
    const sizes = await storage.sizes()
    equal(sizes.tables.conformance_items, 2)
    ok(sizes.database > 0)
  },

  async 'a large value is stored once per user and is deleted with its last owner'({ storage }) {
    const blobs = await createBlobs(storage)
    const json = JSON.stringify('x'.repeat(300_000))
    const store = async (user: UserId, owner: string) => {
      const { value, statements } = blobs.store(user, owner, json)
      succeeded(await storage.commit(change(user, statements)))
      return value
    }
    const [first, second, foreign] = [await store(ada, 'one'), await store(ada, 'two'), await store(bob, 'one')]
    deepEqual(first, second)
    ok('blob' in first && 'blob' in foreign && first.blob !== foreign.blob)
    equal((await storage.sizes()).tables.storage_blobs, 2)
    await storage.commit(change(ada, blobs.release(ada, 'one')))
    equal(await blobs.load(ada, first), json)
    await storage.commit(change(ada, blobs.release(ada, 'two')))
    equal((await storage.sizes()).tables.storage_blobs, 1)
    equal(await blobs.load(bob, foreign), json)
    await rejects(blobs.load(ada, first))
  },

  async 'a small value stays where it is, one over 8 MB is refused'({ storage }) {
    const blobs = await createBlobs(storage)
    const small = blobs.store(ada, 'one', '"x"')
    deepEqual(small, { value: { json: '"x"' }, statements: [] })
    equal(await blobs.load(ada, small.value), '"x"')
    const large = JSON.stringify('x'.repeat(8 * 1024 * 1024))
    try {
      blobs.store(ada, 'one', large)
      ok(false, 'it was taken')
    } catch (error) {
      code('value.too_large')(error)
      match(String(error), /8388610/)
    }
  },
}
