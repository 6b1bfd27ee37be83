import { expect, it, onTestFinished } from 'vitest'
import { createIds, createVirtualClock, failure, seededRandom } from '../../core/index.ts'
import { openStorage } from '../../storage/index.ts'
import { createTraceStore } from './trace-store.ts'
import { observabilityMigrations } from './trace-tables.ts'

it('A trace store that cannot write the spans of one user writes those of the others.', async () => {
  const clock = createVirtualClock()
  const random = seededRandom('traces')
  const storage = await openStorage({ url: 'memory:', migrations: observabilityMigrations, clock, random })
  onTestFinished(() => storage.close())
  const store = createTraceStore({
    storage: {
      dialect: storage.dialect,
      read: (scope, statements) => storage.read(scope, statements),
      commit: async (change) => {
        if ('user' in change.scope && change.scope.user === 'gone') throw failure('user.forgotten', { user: 'gone' })
        return storage.commit(change)
      },
    },
    clock,
    ids: createIds(clock, random),
    retentionMs: 1_000,
    max: 10,
  })
  const spanOf = (user: string) => ({
    user,
    span: {
      ...{ traceId: user.padEnd(32, '0'), id: '0'.repeat(16), name: 'step', kind: 'internal' as const },
      ...{ startedAt: 0, endedAt: 1, status: 'ok' as const, attributes: {} },
    },
  })
  const writing = store.write(['bob', 'gone', 'ada'].map(spanOf))
  await expect(writing).rejects.toMatchObject({ code: 'user.forgotten' })
  for (const user of ['bob', 'ada']) expect(await store.get(user, user.padEnd(32, '0'))).toMatchObject({ spans: 1 })
})
