/** A change of storage as this bench makes it: one row and one item of the feed. */
import { type Migration, openStorage, systemClock, systemRandom } from 'troupe/testing'

const migration: Migration = {
  module: 'bench',
  version: 1,
  name: 'rows',
  lowestReader: 1,
  up: {
    sqlite: [],
    postgres: [
      'create table rows (user_id text not null, n text not null, value text not null, primary key (user_id, n))',
    ],
  },
}
const insert = 'insert into rows (user_id, n, value) values ($1, $2, $3)'

export async function openBenchStorage(url: string, schema: string, poolSize: number) {
  const storage = await openStorage({
    url,
    postgres: { schema, poolSize },
    migrations: [migration],
    clock: systemClock,
    random: systemRandom,
  })
  return {
    async change(user: string, n: string): Promise<void> {
      const result = await storage.commit({
        id: null,
        scope: { user },
        statements: [{ sql: insert, binds: [user, n, 'x'.repeat(100)], expect: { rows: 1 } }],
        feed: [{ kind: 'put', key: n, data: '{}' }],
      })
      if (!result.ok) throw new Error(result.code)
    },
    close: () => storage.close(),
  }
}
