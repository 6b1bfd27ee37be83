/** Connections cut at messages of the protocol, and fallen silent at them: all of them by `npm run reliability:postgres`. */
import { afterAll, describe, expect, test } from 'vitest'
import { tryCuts } from './cut-plans.ts'
import { dropSchema, missingServer, schemaName, server } from './server.ts'

const missing = await missingServer()
const schema = schemaName('cuts')

describe.skipIf(missing !== undefined)('a connection that breaks at any message', () => {
  afterAll(() => dropSchema(schema))

  test('loses nothing acknowledged, doubles nothing, refuses nothing and hangs nowhere', async () => {
    const report = await tryCuts({ server, schema }, { cut: 200, commit: 8, silence: 800 }, 4)
    process.stderr.write(`${report.tried} trials, ${report.refusedAtOpening} refused at opening\n`)
    expect(report.problems).toEqual([])
    expect(report.tried).toBeGreaterThan(30)
    expect(report.missed).toBeLessThan(report.tried / 5)
  }, 180_000)
})
