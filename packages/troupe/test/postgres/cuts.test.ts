/** Connections cut at messages of the protocol, and fallen silent at them: all of them by `npm run reliability:postgres`. */
import { afterAll, describe, expect, test } from 'vitest'
import { runCutTrials } from './cut-plans.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schemas = Array.from({ length: 4 }, (_, i) => schemaName(`cuts${i}`))

describe.skipIf(missing !== undefined)('a connection that breaks at any message', () => {
  afterAll(() => Promise.all(schemas.map((schema) => dropSchema(schema))))

  test('A connection that breaks at any message loses nothing acknowledged, repeats nothing and hangs nowhere.', async () => {
    const report = await runCutTrials(server, schemas, { cut: 200, end: 12, stall: 800 })
    process.stderr.write(`${report.tried} trials, ${report.rejectedAtOpen} refused at opening\n`)
    expect(report.problems.join('\n')).toBe('')
    expect(report.tried).toBeGreaterThan(30)
    expect(report.missed).toBeLessThan(report.tried / 5)
  })
})
