/** Real processes under load that are told to end. As many as are wanted, by command: `npm run reliability:drain`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/core/index.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { runDrains } from './drain-trial.ts'

const missing = await missingServer()
const schema = schemaName('drain')
const folder = mkdtempSync(join(tmpdir(), 'troupe-drain-'))
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (!missing) await dropSchema(schema)
})

describe('a drained process under load', () => {
  const trial = (storage: Parameters<typeof runDrains>[0]['storage'], name: string) => {
    const { next } = seededRandom(name)
    return runDrains({ storage, ledger: join(folder, name), drains: 5, random: () => next() })
  }
  test('A process under load that is told to end loses nothing acknowledged on a file, and repeats nothing.', async () => {
    const { problems, acknowledged } = await trial(`sqlite:${join(folder, 'troupe.db')}`, 'file')
    expect(problems.join('\n')).toBe('')
    expect(acknowledged).toBeGreaterThan(0)
  })

  test.skipIf(missing !== undefined)(
    'A process under load that is told to end loses nothing acknowledged on PostgreSQL, and repeats nothing.',
    async () => {
      const { problems, acknowledged } = await trial({ url: server, schema, poolSize: 4 }, 'postgres')
      expect(problems.join('\n')).toBe('')
      expect(acknowledged).toBeGreaterThan(0)
    },
    240_000,
  )
})
