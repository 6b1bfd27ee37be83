/** Migrations that die at a statement: at every one by `npm run reliability:postgres -- migrations`. */
import { describe, expect, test } from 'vitest'
import { runMigrationTrial } from './migration-trial.ts'
import { missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()

describe.skipIf(missing !== undefined)('a migration that dies at a statement', () => {
  test('A migration that dies at a statement leaves a database that the next opening migrates to the same schema.', async () => {
    const report = await runMigrationTrial(server, schemaName('migrations'), 37)
    process.stderr.write(`${report.tried} deaths in ${report.statements} statements\n`)
    expect(report.problems.join('\n')).toBe('')
    expect(report.missed).toBe(0)
    expect(report.tried).toBeGreaterThan(8)
  }, 300_000)
})
