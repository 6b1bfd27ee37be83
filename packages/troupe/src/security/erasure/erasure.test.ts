import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server, withClient } from '../../../test/postgres/postgres-server.ts'
import { createVirtualClock, hashText, seededRandom, systemClock } from '../../core/index.ts'
import {
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  type Troupe,
  type TroupeConfig,
  Worker,
} from '../../index.ts'
import { userTables } from '../../operations/troupe-tables.ts'
import { createDisk, type Disk, type FaultKind, type Faults } from '../../storage/index.ts'
import { plant } from '../planted-content.test.fixture.ts'

const missing = await missingServer()
const schema = schemaName('forget')
const keys = [{ id: 'first', key: Buffer.alloc(32, 1) }]

let folder: string
let open: Troupe[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-forget-'))
})
afterEach(async () => {
  for (const troupe of open) await troupe.close().catch(() => {})
  open = []
  rmSync(folder, { recursive: true, force: true })
  if (missing === undefined) await dropSchema(schema)
})
afterAll(() => (missing === undefined ? dropSchema(schema) : undefined))

async function opened(config: TroupeConfig): Promise<Troupe> {
  const troupe = await createTroupe({ log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
const file = () => join(folder, 'troupe.db')

/** The rows of each table, as text, by table. */
type Rows = ReadonlyMap<string, readonly string[]>
const storages: readonly {
  readonly name: string
  readonly storage: () => TroupeConfig['storage']
  readonly rows?: () => Promise<Rows>
  readonly skip?: boolean
}[] = [
  { name: 'in memory', storage: () => 'memory:' },
  {
    name: 'in a file',
    storage: () => `sqlite:${file()}`,
    rows: async () => {
      const db = new DatabaseSync(file())
      const tables = db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
      const rows = tables.map(({ name }) => [name, db.prepare(`select * from "${name}"`).all().map(toText)] as const)
      db.close()
      return new Map(rows)
    },
  },
  {
    name: 'on PostgreSQL',
    storage: () => ({ url: server, schema }),
    skip: missing !== undefined,
    rows: () =>
      withClient(async (client) => {
        const { rows: tables } = await client.query(
          `select tablename as name from pg_tables where schemaname = '${schema}'`,
        )
        const rows = new Map<string, readonly string[]>()
        for (const { name } of tables)
          rows.set(name, (await client.query(`select * from ${schema}.${name}`)).rows.map(toText))
        return rows
      }),
  },
]
const toText = (row: unknown) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))
/** Neither a word of the schema nor base64url holds these. */
const [ada, eve] = ['ada!', 'eve!']
const of = (rows: Rows, user: string) =>
  [...rows].flatMap(([table, texts]) => texts.filter((text) => text.includes(user)).map((text) => `${table} ${text}`))
/** Leases are renewed, runs that wait are let go of, and traces are written, by themselves. */
const moving = ['processes', 'work', 'storage_changes', 'trace_index', 'trace_spans']
const hashes = (rows: Rows, user: string) =>
  of(new Map([...rows].filter(([table]) => !moving.includes(table))), user)
    .map((text) => hashText(text))
    .toSorted()
const tablesOf = (rows: Rows, user: string) =>
  [...rows.keys()].filter((table) => of(new Map([[table, rows.get(table) ?? []]]), user).length > 0)

for (const { name, storage, rows, skip = false } of storages)
  for (const encryption of [undefined, { keys }])
    describe.skipIf(skip)(`the erasure of a user ${name}, ${encryption ? 'encrypted' : 'plain'}`, () => {
      const config = () => ({ storage: storage(), ...(encryption ? { encryption } : {}) })

      it('The erasure of a user removes every row of the user and none of another.', async () => {
        const troupe = await opened(config())
        const runs = [await plant(troupe, ada, 'MARKER'), await plant(troupe, eve, 'MARKER')] as const
        const before = rows && (await rows())
        const erased = await troupe.forget(ada)
        expect(erased.backups).toBe(encryption ? 'encrypted' : 'plain')
        for (const moduleName of ['context', 'messaging', 'journal', 'agents', 'runs', 'storage'])
          expect(erased.rows[moduleName], moduleName).toBeGreaterThan(0)
        if (rows && before) {
          const after = await rows()
          const clear = [...before].filter(([, texts]) => texts.some((text) => text.includes('MARKER')))
          expect(clear.length > 0).toBe(!encryption)
          expect(tablesOf(before, ada)).toContain('context_entries')
          expect(tablesOf(after, ada)).toEqual([])
          expect(hashes(after, eve)).toEqual(hashes(before, eve))
        }
        for (const asked of ['get', 'verifyReplay', 'export', 'why'] as const)
          await expect(troupe.user(ada).orchestra[asked](runs[0])).rejects.toMatchObject({ code: 'user.forgotten' })
        await expect(troupe.user(eve).orchestra.get(runs[0])).rejects.toMatchObject({ code: 'run.unknown' })
        expect(await troupe.user(eve).orchestra.verifyReplay(runs[1])).toMatchObject({ identical: true })
        const other = await troupe.user(eve).orchestra.get(runs[1])
        await other.answer((await other.result()).questions[0]?.id ?? '', 'go on')
        expect(await other.result()).toMatchObject({ status: 'completed', response: 'go on' })
      })

      it('The erasure of a user leaves the id to a new user, who finds nothing.', async () => {
        const troupe = await opened(config())
        await plant(troupe, ada, 'MARKER')
        const user = troupe.user(ada)
        await user.agent('A').context.get('plan', { maxAge: '1h' })
        await troupe.forget(ada)
        expect((await user.context.list()).items).toEqual([])
        expect((await user.orchestra.list()).items).toEqual([])
        expect(await user.context.stats()).toMatchObject({ entries: 0 })
        expect(await user.context.push('plan', 'new')).toMatchObject({ version: 1, revision: 1 })
        expect(await user.agent('A').context.get('plan', { maxAge: '1h' })).toBe('new')
        expect((await user.context.history('plan')).items).toHaveLength(1)
        expect(await troupe.forget(ada)).toMatchObject({ rows: { context: expect.any(Number) } })
        expect(await troupe.forget('nobody')).toMatchObject({ rows: {} })
      })
    })

it('The erasure of a user covers every table that has a user.', async () => {
  await (await opened({ storage: `sqlite:${file()}` })).close()
  const db = new DatabaseSync(file())
  const found = db
    .prepare(
      "select m.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and c.name = 'user_id'",
    )
    .all()
    .map(({ name }) => String(name))
  db.close()
  const known = userTables.filter(({ only }) => only === undefined).map(({ name }) => name)
  // Marks of who was forgotten hold a name only while the forgetting goes on.
  expect([...known, 'security_erased_users'].toSorted()).toEqual(found.toSorted())
})

it('The erasure of a user ends everything in progress, which writes nothing afterwards.', async () => {
  const troupe = await opened({ storage: `sqlite:${file()}` })
  const user = troupe.user(ada)
  const gate = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  let late: unknown
  const slow = defineAgent({
    name: 'Slow',
    run: async (_, ctx) => {
      started.resolve()
      await gate.promise
      late = await ctx.context.push('late', 'MARKER').catch((error: unknown) => error)
      return finish('late')
    },
  })
  const Ping = defineMessage('ping')
  const worker = new Worker('Slow worker')
  worker.on(Ping, async () => gate.promise)
  await user.start(worker)
  await user.agent('A').messages.send(Ping, 'MARKER', { to: 'Slow worker' })
  const topology = { agents: [slow], flows: ['Start -> Slow', 'Slow -> End'] }
  const run = await user.orchestra.start({ task: 'MARKER', topology })
  const result = run.result().catch((error: unknown) => error)
  const events = (async () => {
    for await (const _ of run.events());
  })().catch((error: unknown) => error)
  const watched = user.context.watch()[Symbol.asyncIterator]()
  await user.context.push('a', 1)
  await watched.next()
  await started.promise
  await troupe.forget(ada)
  gate.resolve()
  expect(await result).toMatchObject({ code: 'user.forgotten' })
  expect(await events).toMatchObject({ code: 'user.forgotten' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(late).not.toMatchObject({ version: 1 })
  expect((await user.context.list()).items).toEqual([])
  await user.context.push('b', 2)
  expect(await watched.next()).toMatchObject({ value: { type: 'resync' } })
  await watched.return?.(undefined)
})

it('A call of a session whose user is erased meanwhile fails with the erasure.', async () => {
  const troupe = await opened({ storage: 'memory:' })
  const started = Promise.withResolvers<void>()
  const slow = defineAgent({
    name: 'Slow',
    run: () => {
      started.resolve()
      return new Promise<never>(() => {})
    },
  })
  const running = troupe.user(ada).session(slow).generate('MARKER')
  const rejected = expect(running).rejects.toMatchObject({ code: 'user.forgotten' })
  await started.promise
  await troupe.forget(ada)
  await rejected
})

it('A watcher of an erased user gets a resync, and follows the next user with the same id.', async () => {
  const troupe = await opened({ storage: 'memory:', encryption: { keys } })
  const { context } = troupe.user(ada)
  await context.push('a', 1)
  const watched = context.watch({ from: 0 })[Symbol.asyncIterator]()
  const erased = troupe.forget(ada)
  expect(await watched.next()).toMatchObject({ value: { type: 'resync' } })
  await erased
  await context.push('b', 2)
  expect(await watched.next()).toMatchObject({ value: { type: 'resync', revision: 1 } })
  await context.push('c', 3)
  expect(await watched.next()).toMatchObject({ value: { type: 'put', key: 'c', revision: 2 } })
  await watched.return?.(undefined)
})

it.skipIf(missing !== undefined)(
  'The erasure of a user ends what another process has in progress for the user.',
  async () => {
    const storage = { url: server, schema }
    const [here, there] = [await opened({ storage }), await opened({ storage })]
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<AbortSignal>()
    const slow = defineAgent({
      name: 'Slow',
      run: async (_, ctx) => {
        started.resolve(ctx.signal)
        await gate.promise
        await ctx.context.push('late', 'MARKER')
        return finish('late')
      },
    })
    // It has written nothing yet: no journal of its own is there to be taken from it.
    const session = there.user(ada).session(slow, { threadId: 't' })
    const running = session.generate('MARKER').catch((error: unknown) => error)
    const signal = await started.promise
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    await here.forget(ada)
    await aborted
    gate.resolve()
    expect(await running).toMatchObject({ code: 'user.forgotten' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await there.user(ada).context.list()).items).toEqual([])
    expect(await there.user(ada).context.push('new', 1)).toMatchObject({ version: 1 })
  },
)

const dyingAt = (disk: Disk, fault: FaultKind, at: () => boolean): Faults => ({
  clock: systemClock,
  random: seededRandom('forget'),
  disk,
  at: () => (at() ? fault : undefined),
})

it('An erasure whose caller aborts continues for other callers, and does not start for a caller that has aborted.', async () => {
  const troupe = await opened({ storage: 'memory:' })
  const ada = troupe.user('ada')
  await ada.context.push('k', 1)
  const cancelled = { name: 'CancelledError' }
  await expect(troupe.forget('ada', { signal: AbortSignal.abort() })).rejects.toMatchObject(cancelled)
  expect(await ada.context.get('k')).toBe(1)
  const controller = new AbortController()
  const erased = new Promise<unknown>((resolve) => troupe.on('user.forgotten', ({ userId }) => resolve(userId)))
  const waiting = troupe.forget('ada', { signal: controller.signal })
  const other = troupe.forget('ada')
  controller.abort()
  await expect(waiting).rejects.toMatchObject(cancelled)
  expect(await erased).toBe('ada')
  expect(await other).toMatchObject({ backups: 'plain' })
  expect(await ada.context.get('k')).toBeUndefined()
})

it('An erasure that is interrupted at any change is completed at the next opening.', async () => {
  const config = { storage: 'memory:', encryption: { keys } } as const
  // Each fault interrupts every second change, the other fault those between; TROUPE_EVERY=1: each fault all changes.
  const every = Number(process.env.TROUPE_EVERY ?? 2)
  for (const [i, fault] of (['io-before', 'dead'] as const).entries())
    for (let at = i % every, ended = false; !ended; at += every) {
      const disk = createDisk()
      let left = Number.POSITIVE_INFINITY
      const first = await opened({ ...config, faults: dyingAt(disk, fault, () => left-- === 0) })
      const run = await plant(first, ada, 'MARKER')
      await first.user(eve).context.push('a', 'of eve')
      left = at
      ended = await first.forget(ada).then(
        () => true,
        () => false,
      )
      await first.close().catch(() => {})
      const second = await opened({ ...config, faults: dyingAt(disk, fault, () => false) })
      const { orchestra, context } = second.user(ada)
      const gone = await orchestra.get(run).catch((error: unknown) => error)
      // Before the first change has happened, nothing has.
      if (at === 0 && fault === 'io-before') expect(gone).toMatchObject({ id: run })
      else {
        expect(gone).toMatchObject({ code: 'user.forgotten' })
        expect((await context.list()).items).toEqual([])
        expect((await orchestra.list()).items).toEqual([])
      }
      expect(await second.user(eve).context.get('a')).toBe('of eve')
      await second.close()
      if (ended) expect(at).toBeGreaterThan(20)
    }
})

it('A troupe opens while its storage rejects an unfinished erasure, and completes the erasure when writes succeed.', async () => {
  const disk = createDisk()
  let left = Number.POSITIVE_INFINITY
  const faults = dyingAt(disk, 'io-before', () => left-- <= 0)
  const first = await opened({ storage: 'memory:', faults })
  await first.user(ada).context.push('plan', 'MARKER')
  await first.user(eve).context.push('a', 'of eve')
  left = 1
  await expect(first.forget(ada)).rejects.toMatchObject({ code: 'storage.io' })
  await first.close().catch(() => {})

  const clock = createVirtualClock()
  const second = await opened({ storage: 'memory:', clock, faults })
  const user = second.user(ada)
  const erased = new Promise<unknown>((resolve) => second.on('user.forgotten', ({ userId }) => resolve(userId)))
  expect(await second.user(eve).context.get('a')).toBe('of eve')
  const topology = { agents: [defineAgent({ name: 'A', run: () => finish('') })], flows: ['Start -> A', 'A -> End'] }
  await expect(user.orchestra.start({ task: '', topology })).rejects.toMatchObject({ code: 'user.forgotten' })
  await clock.advance('10s')
  left = Number.POSITIVE_INFINITY
  await clock.advance('1m')
  expect(await erased).toBe(ada)
  expect((await user.context.list()).items).toEqual([])
  expect(await user.context.push('plan', 'new')).toMatchObject({ version: 1, revision: 1 })
})

it('An erasure whose storage rejects a change fails for its caller, and continues in the background.', async () => {
  const clock = createVirtualClock()
  let left = Number.POSITIVE_INFINITY
  const faults = dyingAt(createDisk(), 'io-before', () => left-- <= 0)
  const troupe = await opened({ storage: 'memory:', clock, faults })
  const user = troupe.user(ada)
  await user.context.push('a', 'MARKER')
  left = 3
  await expect(troupe.forget(ada)).rejects.toMatchObject({ code: 'storage.io' })
  const topology = { agents: [defineAgent({ name: 'A', run: () => finish('') })], flows: ['Start -> A', 'A -> End'] }
  await expect(user.orchestra.start({ task: '', topology })).rejects.toMatchObject({ code: 'user.forgotten' })
  const second = troupe.forget(ada)
  left = Number.POSITIVE_INFINITY
  await clock.advance('1m')
  expect(await second).toMatchObject({ backups: 'plain' })
  expect((await user.context.list()).items).toEqual([])
  expect(await user.context.push('a', 'new')).toMatchObject({ version: 1 })
})

it('An erasure is completed in the background after a change that was committed although the storage reported an error.', async () => {
  for (let at = 0, ended = false; !ended; at++) {
    const clock = createVirtualClock()
    let left = Number.POSITIVE_INFINITY
    const faults = dyingAt(createDisk(), 'io-after', () => left-- === 0)
    const troupe = await opened({ storage: 'memory:', clock, faults })
    const user = troupe.user(ada)
    await user.context.push('a', 'MARKER')
    left = at
    ended = await troupe.forget(ada).then(
      () => true,
      () => false,
    )
    await clock.advance('1m')
    expect((await user.context.list()).items).toEqual([])
    expect(await user.context.push('a', 'new')).toMatchObject({ version: 1 })
    expect(await troupe.forget(ada)).toMatchObject({ backups: 'plain' })
    await troupe.close()
    if (ended) expect(at).toBeGreaterThan(20)
  }
})

it('A close ends the retries of an erasure that the storage rejects.', async () => {
  const disk = createDisk()
  let left = Number.POSITIVE_INFINITY
  const faults = dyingAt(disk, 'io-before', () => left-- <= 0)
  const first = await opened({ storage: 'memory:', faults })
  await first.user(ada).context.push('a', 'MARKER')
  left = 1
  await expect(first.forget(ada)).rejects.toMatchObject({ code: 'storage.io' })
  await first.close().catch(() => {})
  const second = await opened({ storage: 'memory:', clock: createVirtualClock(), faults })
  const erasing = second.forget(ada).catch((error: unknown) => error)
  await second.close().catch(() => {})
  expect(await erasing).toMatchObject({ code: 'troupe.closed' })
})
