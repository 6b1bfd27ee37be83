/** Backups of PostgreSQL with large values. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, test, vi } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { seededRandom, systemClock } from '../../core/index.ts'
import { backups, createBlobs, openStorage } from '../index.ts'

const missing = await missingServer()
const schema = schemaName('large_backup')
const folder = mkdtempSync(join(tmpdir(), 'troupe-large-backup-'))
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (!missing) await dropSchema(schema)
})

test.skipIf(missing)(
  'A backup of PostgreSQL reads a few megabytes at once, however many large values there are.',
  async () => {
    const options = { migrations: [], clock: systemClock, random: seededRandom(1) }
    const storage = await openStorage({ ...options, url: server, postgres: { schema } })
    const blobs = await createBlobs(storage)
    const count = 40
    for (let i = 0; i < count; i++) {
      const { statements } = blobs.store('ada', `entry:${i}`, JSON.stringify(`${i} ${'x'.repeat(1024 * 1024)}`))
      await storage.commit({ id: null, scope: { user: 'ada' }, statements })
    }
    await storage.close()
    const sizes: number[] = []
    const { query } = pg.Client.prototype
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(async function (this: pg.Client, ...args: unknown[]) {
      const result = await Reflect.apply(query, this, args)
      if (String(args[0]).startsWith('fetch')) sizes.push(JSON.stringify(result.rows).length)
      return result
    })
    const { rows } = await backups.backup({ url: server, schema }, join(folder, 'backup'), '2026-01-01T00:00:00.000Z')
    vi.restoreAllMocks()
    expect(rows.storage_blobs).toBe(count)
    expect(Math.max(...sizes)).toBeLessThan(10 * 1024 * 1024)
    expect(await backups.verify(join(folder, 'backup'))).toMatchObject({ rows: { storage_blobs: count } })
  },
)
