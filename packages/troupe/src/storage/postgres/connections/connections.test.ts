/** Connections of a real pool: which of them are used again after an error. */
import { afterAll, describe, expect, test } from 'vitest'
import { missingServer, server } from '../../../../test/postgres/postgres-server.ts'
import { createPool } from './connect.ts'
import { settingsOf } from './connection-target.ts'
import { Connections } from './connections.ts'

const missing = await missingServer()

describe.skipIf(missing !== undefined)('connections', () => {
  let connections: Connections
  afterAll(() => connections.end())

  test('A connection stays in use after the server rejected a statement, and not after it was lost.', async () => {
    connections = new Connections(await createPool(settingsOf({ url: server, poolSize: 1 }), false), 10_000)
    const pid = async () => (await connections.ask('select pg_backend_pid() as pid', [])).rows[0].pid
    const first = await pid()
    await expect(connections.ask('select 1 / 0', [])).rejects.toThrow('division by zero')
    expect(await pid()).toBe(first)
    await expect(connections.ask('select pg_terminate_backend($1)', [first])).rejects.toThrow()
    expect(await pid()).not.toBe(first)
  })
})
