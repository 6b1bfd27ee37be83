import { afterAll, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { seededRandom } from '../../core/index.ts'
import { createTroupe } from '../../startup/create-troupe.ts'

const missing = await missingServer()
const schema = schemaName('metric_labels')
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

/** Text that PostgreSQL cannot compress. */
const text = (bytes: number) => Buffer.from(seededRandom('metric labels').bytes(bytes)).toString('base64url')

describe.for([
  ['memory', 'memory:'],
  ['PostgreSQL', { url: server, schema }],
] as const)('The metric store on %s', ([engine, storage]) => {
  it.skipIf(engine === 'PostgreSQL' && missing !== undefined)(
    `The metric store on ${engine} accepts the longest labels and names, and rejects longer labels.`,
    async () => {
      await using troupe = await createTroupe({ log: 'silent', storage })
      const { metrics } = troupe.user(text(192))
      const name = text(192)
      const longest = { q: text(1_530) }
      expect(Buffer.byteLength(JSON.stringify(longest))).toBe(2_048)
      await metrics.record(name, 1, { labels: longest })
      expect((await metrics.summary(name)).count).toBe(1)
      await expect(metrics.record(name, 1, { labels: { q: `${longest.q}x` } })).rejects.toMatchObject({
        code: 'validation.failed',
        message: expect.stringContaining('more than 2048 bytes as JSON'),
      })
    },
  )
})
