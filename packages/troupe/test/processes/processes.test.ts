/** Several processes on one PostgreSQL, killed and frozen for real. As much as is wanted, by command: `npm run reliability:processes`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/core/index.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { runChaos } from './chaos.ts'
import { runFrozen } from './frozen.ts'

const missing = await missingServer()
const schemas = { frozen: schemaName('node_frozen'), calm: schemaName('node_calm'), chaos: schemaName('node_chaos') }

describe.skipIf(missing !== undefined)('several processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-nodes-'))
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    for (const schema of Object.values(schemas)) await dropSchema(schema)
  })

  test('A process that was frozen until a takeover of its runs changes nothing when it continues.', async () => {
    const { problems, tried } = await runFrozen({
      storage: { url: server, schema: schemas.frozen },
      ledger: join(folder, 'frozen'),
      runs: 8,
      rounds: 1,
    })
    expect(problems.join('\n')).toBe('')
    expect(tried).toBe(8)
  })

  test('Runs end as without faults, and pay once, while their processes are killed and frozen at random.', async () => {
    const trial = (name: 'calm' | 'chaos') =>
      runChaos({
        storage: { url: server, schema: schemas[name], poolSize: 4 },
        ledger: join(folder, name),
        runs: 12,
        workers: 3,
        lease: '2s',
        random: seededRandom('nodes'),
        ...(name === 'chaos' ? { blowAfterMs: 300 } : {}),
        blows: 5,
        timeoutMs: 120_000,
      })
    const calm = await trial('calm')
    const chaos = await trial('chaos')
    expect([...calm.problems, ...chaos.problems].join('\n')).toBe('')
    expect(chaos.ends).toEqual(calm.ends)
    expect(chaos.kills + chaos.stops).toBeGreaterThan(0)
    process.stderr.write(`${chaos.kills} kills, ${chaos.stops} freezes, ${chaos.resolved} uncertain effects settled\n`)
  }, 300_000)
})
