/** Troupes on SQLite and, if a server runs, on PostgreSQL, for tests of threads. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

/** To be called once in a file of tests. After each test its troupes are closed, and the schema is dropped. */
export async function threadStorages(name: string) {
  const missing = await missingServer()
  const schema = schemaName(name)
  const folder = mkdtempSync(join(tmpdir(), `troupe-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  // Hooks run in reverse order, so the troupes of the test are closed before.
  afterEach(async () => {
    if (missing === undefined) await dropSchema(schema)
  })
  let files = 0
  const storages = {
    sqlite: () => `sqlite:${join(folder, `${files++}.db`)}`,
    ...(missing === undefined ? { postgres: () => ({ url: server, schema }) } : {}),
  }
  return { storages: Object.entries(storages), opened: troupesOfTests().opened }
}
