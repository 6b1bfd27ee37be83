/** The conformance suite on PostgreSQL, a schema of its own for each case. */
import { afterAll, describe, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/server.ts'
import { seededRandom } from '../../core/index.ts'
import { storageConformance } from '../../testing/index.ts'
import { openStorage } from '../index.ts'

const missing = await missingServer()
const schemas: string[] = []
const fresh = () => {
  const schema = schemaName(`test_${schemas.length}`)
  schemas.push(schema)
  return schema
}

describe.skipIf(missing !== undefined)('on PostgreSQL', () => {
  afterAll(async () => {
    for (const schema of schemas) await dropSchema(schema)
  })
  for (const { name, run } of storageConformance((options) =>
    openStorage({
      ...options,
      url: server,
      postgres: { schema: fresh() },
      time: 'clock',
      random: seededRandom(schemas.length),
    }),
  ))
    test(name, run)
})
