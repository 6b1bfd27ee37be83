/** Connections cut at messages of the protocol, and fallen silent at them: all of them by `npm run reliability:postgres`. */
import { afterAll, describe, expect, test } from 'vitest'
import { tryCuts } from './cut-plans.ts'
import { dropSchema, missingServer, schemaName, server } from './server.ts'

const missing = await missingServer()
const schemas = Array.from({ length: 4 }, (_, i) => schemaName(`cuts${i}`))

describe.skipIf(missing !== undefined)('a connection that breaks at any message', () => {
  afterAll(() => Promise.all(schemas.map((schema) => dropSchema(schema))))

  test('loses nothing acknowledged, doubles nothing, refuses nothing and hangs nowhere', async () => {
    const report = await tryCuts(server, schemas, { cut: 200, commit: 8, silence: 800 })
    process.stderr.write(`${report.tried} trials, ${report.refusedAtOpening} refused at opening\n`)
    expect(report.problems).toEqual([])
    expect(report.tried).toBeGreaterThan(30)
    expect(report.missed).toBeLessThan(report.tried / 5)
  }, 180_000)
})
