import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
// What a program on PostgreSQL installs beside troupe; here it also removes what the test has made.
import { Client } from 'pg'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { askServer } from './client.ts'

/** The server that the tests of this repository use. */
const url = process.env.TROUPE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const schema = `troupe_guides_${process.pid}`
const onServer = async (sql: string) => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  await client.connect()
  await client.query(sql)
  await client.end()
}
const missing = await onServer('select 1').catch((error: Error) => error)
if (missing) process.stderr.write(`skipped, for there is no PostgreSQL at ${new URL(url).host}: ${missing.message}\n`)

describe.skipIf(missing !== undefined)('a server and a client', () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })
  afterAll(() => onServer(`drop schema if exists ${schema} cascade`))

  it('The network sample connects a server and a client in two processes on one PostgreSQL.', async () => {
    const storage = { url, schema }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts'), JSON.stringify(storage)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout, 'data')
    const answer = await askServer(storage, () => void child.kill('SIGTERM'))
    expect(answer).toEqual({
      found: { name: 'NetworkServer', role: 'server' },
      isRemote: true,
      text: 'HELLO',
      process: child.pid,
    })
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })
})
