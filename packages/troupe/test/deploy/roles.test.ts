/** The roles that Compose makes: what `roles.sql` gives them is enough, and the login role alone serves in production. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTroupe } from '../../src/index.ts'
import { binaries } from '../postgres/binaries.ts'
import { Cluster, freePort } from '../postgres/cluster.ts'
import { withClient } from '../postgres/postgres-server.ts'
import { workspace } from './image.ts'

const hasPsql = spawnSync('psql', ['--version']).status === 0
const bin = binaries()
if (!hasPsql || !bin) process.stderr.write('skipped: there is no psql, or no PostgreSQL, to run roles.sql\n')

describe.skipIf(!hasPsql || !bin)('roles.sql', () => {
  const secrets = mkdtempSync(join(tmpdir(), 'troupe-roles-'))
  let cluster: Cluster
  beforeAll(async () => {
    cluster = new Cluster({ bin: bin as string, port: await freePort(), settings: { fsync: 'off' } })
    cluster.start()
    for (const name of ['owner_password', 'database_password'])
      writeFileSync(join(secrets, name), `it's the ${name}`, { mode: 0o600 })
  })
  afterAll(() => {
    cluster?.dispose()
    rmSync(secrets, { recursive: true })
  })

  test('The script roles.sql makes an owner role that migrates, and a serving role that owns nothing.', async () => {
    const file = join(workspace, 'deploy/compose/roles.sql')
    const done = spawnSync('psql', ['-v', 'ON_ERROR_STOP=1', '--no-psqlrc', '-d', cluster.url, '-f', file], {
      env: { ...process.env, TROUPE_SECRETS: secrets },
      encoding: 'utf8',
    })
    expect([done.status, done.stderr]).toEqual([0, ''])
    const as = (user: string, password: string) =>
      Object.assign(new URL(cluster.url), { username: user, password }).href
    const url = as('troupe', "it's the database_password")
    const open = (migrateUrl?: string) =>
      createTroupe({
        storage: { url, ...(migrateUrl ? { migrateUrl } : {}) },
        profile: 'production',
        encryption: { keys: [{ id: 'test', key: '5a'.repeat(32) }] },
        log: 'silent',
      })
    await expect(open()).rejects.toThrow()
    await (await open(as('troupe_owner', "it's the owner_password"))).close()
    const troupe = await open()
    await troupe.user('ada').context.push('k', 1)
    expect(await troupe.user('ada').context.get('k')).toBe(1)
    await troupe.close()
    const owners = await withClient(
      (client) => client.query(`select distinct tableowner as name from pg_tables where schemaname = 'troupe'`),
      cluster.url,
    )
    expect(owners.rows).toEqual([{ name: 'troupe_owner' }])
  })
})
