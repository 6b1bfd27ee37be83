/** Backups of a schema on PostgreSQL. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent, defineMessage, finish, type Json } from '../../src/index.ts'
import { restoreBackup, verifyBackup } from '../../src/operations.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const [schema, other] = [schemaName('backup'), schemaName('restored')]
const Note = defineMessage('note')
const echo = defineAgent({ name: 'Echo', run: async (input: Json) => finish(input) })
const pollOptions = { timeout: 60_000, interval: 20 }

describe.skipIf(missing !== undefined)('a backup of PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-backup-'))
  const from = join(folder, 'monday')
  const config = (name: string) => ({ storage: { url: server, schema: name }, log: 'silent' }) as const
  const rowsOf = async (name: string) =>
    withClient(async (client) => {
      const { rows } = await client.query<{ name: string }>(
        "select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r' order by relname",
        [name],
      )
      const found: Record<string, unknown> = {}
      for (const { name: table } of rows) {
        if (['storage_schema', 'storage_restored'].includes(table)) continue
        const all = await client.query<{ row: string }>(`select row_to_json(t)::text as row from ${name}."${table}" t`)
        found[table] = all.rows.map(({ row }) => row).sort()
      }
      return found
    })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await dropSchema(schema)
    await dropSchema(other)
  })

  test('A backup of PostgreSQL contains one moment, made while others write, and is restored into an empty schema.', async () => {
    const troupe = await createTroupe(config(schema))
    const ada = troupe.user('ada')
    await ada.context.push('big', { text: 'ä"\\\n\u2028'.repeat(100_000) })
    for (let i = 0; i < 250; i++) await ada.agent('Sender').messages.send(Note, { i }, { to: 'Clerk' })
    let stop = false
    let done = 0
    const writing = (async () => {
      for (; !stop; done++)
        await troupe.user('bob').context.batch(
          [
            { type: 'push', key: `left.${done}`, value: done },
            { type: 'push', key: `right.${done}`, value: done },
          ],
          { atomic: true },
        )
    })()
    await expect.poll(() => done, pollOptions).toBeGreaterThan(5)
    const before = done
    await troupe.backup(from)
    stop = true
    await writing
    await troupe.close()
    const { rows, engine } = await verifyBackup(from)
    expect(engine).toBe('postgres')

    await expect(restoreBackup({ from, to: config(schema).storage })).rejects.toMatchObject({
      code: 'storage.not_empty',
    })
    const { installation } = await restoreBackup({ from, to: config(other).storage })
    const counts = Object.fromEntries(
      Object.entries(await rowsOf(other)).map(([table, all]) => [table, (all as string[]).length]),
    )
    const { storage_restored: _, ...expected } = rows
    expect(counts).toEqual(expected)

    const copy = await createTroupe(config(other))
    const beside = await createTroupe(config(other))
    try {
      expect([copy.state, beside.state, copy.restored?.installation]).toEqual(['restored', 'restored', installation])
      expect(await copy.user('ada').context.get('big')).toEqual({ text: 'ä"\\\n\u2028'.repeat(100_000) })
      const size = await copy.user('bob').context.size()
      expect(size % 2).toBe(0)
      expect(size).toBeGreaterThanOrEqual(before * 2)
      await copy.resumeRestored()
      await expect.poll(() => beside.state, pollOptions).toBe('open')
      // Numbers are drawn behind those that came along.
      await copy.user('ada').agent('Sender').messages.send(Note, 'new', { to: 'Clerk' })
      await copy.user('bob').context.push('left.0', 'new')
      const [delivery] = await copy.user('ada').agent('Clerk').mailbox.receive()
      expect(delivery?.message.payload).toEqual({ i: 0 })
      await delivery?.ack()
    } finally {
      await copy.close()
      await beside.close()
    }
  })

  test('A restored backup of PostgreSQL equals its source, rows of triggers included.', async () => {
    await dropSchema(other)
    const otherFolder = join(folder, 'tuesday')
    const troupe = await createTroupe(config(schema))
    const topology = { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] }
    await troupe.user('ada').orchestra.run({ task: 't', topology, tags: ['kept'] })
    await troupe.backup(otherFolder)
    await troupe.close()
    await restoreBackup({ from: otherFolder, to: config(other).storage })
    const [original, copy] = [await rowsOf(schema), await rowsOf(other)]
    expect(Object.keys(copy)).toEqual(Object.keys(original))
    // Others the process wrote to when it was closed.
    for (const table of ['context_entries', 'run_labels', 'runs', 'storage_blobs', 'storage_settings'])
      expect([table, copy[table]]).toEqual([table, original[table]])
    expect(copy.run_labels).not.toEqual([])
  })

  test('A table of another program in the schema of PostgreSQL does not prevent the restore of a backup.', async () => {
    await dropSchema(other)
    await withClient((client) =>
      client.query(`create table ${schema}.budgets_of_others as select 1 as n; create table ${schema}.parts (n int)
        partition by range (n); create table ${schema}.part partition of ${schema}.parts default;
        insert into ${schema}.parts values (1)`),
    )
    const otherFolder = join(folder, 'wednesday')
    const troupe = await createTroupe(config(schema))
    await troupe.user('ada').context.push('k', 1)
    const { rows } = await troupe.backup(otherFolder)
    await troupe.close()
    await withClient((client) => client.query(`drop table ${schema}.budgets_of_others, ${schema}.parts`))
    await restoreBackup({ from: otherFolder, to: config(other).storage })
    const copy = await rowsOf(other)
    expect((copy.context_entries as string[]).length).toBe(rows.context_entries)
    expect(copy.budgets_of_others).toBeUndefined()
  })

  test('A restored schema of PostgreSQL is visible only with its mark.', async () => {
    await dropSchema(other)
    let done = false
    let unmarked = 0
    const polling = withClient(async (client) => {
      while (!done) {
        const { rows } = await client.query('select to_regclass($1) is not null as there', [`${other}.storage_schema`])
        if (!rows[0]?.there) continue
        const marks = await client.query(`select * from ${other}.storage_restored`).catch(() => ({ rows: [] }))
        if (marks.rows.length === 0) unmarked++
      }
    })
    await restoreBackup({ from, to: config(other).storage })
    done = true
    await polling
    expect(unmarked).toBe(0)
  })

  test('One of two restores into one PostgreSQL schema succeeds, and the other takes nothing from it.', async () => {
    await dropSchema(other)
    const to = config(other).storage
    const ends = await Promise.allSettled([restoreBackup({ from, to }), restoreBackup({ from, to })])
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'storage.not_empty' } })
    const copy = await createTroupe(config(other))
    expect([copy.state, await copy.user('ada').context.size()]).toEqual(['restored', 1])
    await copy.close()
  })

  test('A restore into PostgreSQL that fails leaves what else was in the schema.', async () => {
    await dropSchema(other)
    await withClient((client) => client.query(`create schema ${other}; create view ${other}.runs as select 1 as one`))
    await expect(restoreBackup({ from, to: config(other).storage })).rejects.toThrow('runs')
    await withClient(async (client) => {
      const { rows } = await client.query(
        'select relname as name from pg_class where relnamespace = $1::regnamespace',
        [other],
      )
      expect(rows).toEqual([{ name: 'runs' }])
    })
  })

  test('A restore into PostgreSQL that waits for another one ends with its signal.', async () => {
    await dropSchema(other)
    await withClient(async (client) => {
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [`troupe migrates ${other}`])
      // It reads the backup, connects, or waits for the lock.
      for (const ms of [0, 5, 10, 20, 50, 100, 200, 2_000]) {
        const restoring = restoreBackup({ from, to: config(other).storage, signal: AbortSignal.timeout(ms) })
        await expect(restoring, `after ${ms} ms`).rejects.toMatchObject({ code: 'cancelled' })
      }
    })
  })
})
