/** Metrics of users on PostgreSQL: added to by several processes, and behind row-level security. */

import { expect, it } from 'vitest'
import { createTroupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()

it.skipIf(missing !== undefined)(
  'Two troupes on PostgreSQL add to the minutes of one series, and no user reads those of another.',
  async () => {
    const storage = { url: server, schema: schemaName('metrics') }
    const first = await createTroupe({ storage })
    const second = await createTroupe({ storage })
    const recording = Array.from({ length: 40 }, (_, i) =>
      (i % 2 ? first : second).user('ada').metrics.record('orders', i, { labels: { shop: 'tea' } }),
    )
    await Promise.all(recording)
    const expected = { count: 40, average: 19.5, min: 0, max: 39 }
    expect(await second.user('ada').metrics.summary('orders', { window: '1h' })).toMatchObject(expected)
    expect(await second.user('ben').metrics.names()).toEqual([])
    await first.close()
    await second.close()
    await dropSchema(storage.schema)
  },
)
