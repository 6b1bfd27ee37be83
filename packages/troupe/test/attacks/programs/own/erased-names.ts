/** The name of an erased user stays in rows of keys that the user shared, or that were revoked. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TroupeConfig } from '../../../../src/index.ts'
import { withClient } from '../../../postgres/postgres-server.ts'
import type { Trial } from '../trial.ts'
import { shortWait } from './asking-clerk.ts'
import { fixedKey, serveAgents } from './serve-agents.ts'

type Rows = Promise<readonly (readonly [table: string, row: string])[]>
async function rowsOf(storage: TroupeConfig['storage']): Rows {
  if (typeof storage === 'object' && 'schema' in storage) {
    const { url, schema } = storage as { readonly url: string; readonly schema: string }
    return withClient(async (client) => {
      const tables = await client.query('select tablename from pg_tables where schemaname = $1', [schema])
      const rows: (readonly [string, string])[] = []
      for (const { tablename } of tables.rows)
        for (const row of (await client.query(`select * from ${schema}."${tablename}"`)).rows)
          rows.push([tablename, JSON.stringify(row)])
      return rows
    }, url)
  }
  const db = new DatabaseSync(String(storage).replace('sqlite:', ''), { readOnly: true })
  const tables = db.prepare("select name from sqlite_master where type = 'table'").all()
  const rows = tables.flatMap(({ name }) =>
    db
      .prepare(`select * from "${name}"`)
      .all()
      .map((row) => [String(name), JSON.stringify(row)] as const),
  )
  db.close()
  return rows
}

export const erasedNames: Trial = async ({ storage: newStorage, storageName, check }) => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-erased-'))
  const storage = storageName === 'postgres' ? newStorage() : `sqlite:${join(folder, 't.db')}`
  const encryption = { keys: [{ id: 'k', key: fixedKey(1) }] }
  try {
    let before = 0
    await serveAgents({ storage, encryption }, async ({ troupe, caller }) => {
      const shared = await caller({ name: 'desk of zelda', users: ['zelda', 'ben'], role: 'admin' } as never)
      const own = await caller({ name: 'key of zelda', users: ['zelda'] } as never)
      await troupe.user('zelda').context.push('k', 1)
      await shared.request('GET', '/v1/runs', undefined, { 'troupe-user': 'ben' })
      await troupe.apiKeys.revoke(own.id)
      check('the revoked key opens nothing', (await own.request('GET', '/v1/api-keys')).status === 401)
      before = (await rowsOf(storage)).filter(([, row]) => row.includes('zelda')).length
      await troupe.forget('zelda')
      await shortWait()
      const rewritten = await shared.request(
        'PUT',
        '/v1/context/entries/again',
        { value: 1 },
        { 'troupe-user': 'zelda' },
      )
      check(
        'the shared key writes nothing for the erased user',
        rewritten.status === 403,
        `${rewritten.status} ${rewritten.text}`,
      )
    })
    const left = (await rowsOf(storage)).filter(([, row]) => row.includes('zelda'))
    check(`of ${before} rows with the name none is left`, before > 0 && left.length === 0, left)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
