import { expect, it } from 'vitest'
import { createVirtualClock, seededRandom } from '../../core/index.ts'
import { type Change, openStorage } from '../../storage/index.ts'
import { securityMigrations } from '../index.ts'
import { auditStatements } from './audit-statements.ts'
import { Sequencer } from './sequencer.ts'

async function opened() {
  const clock = createVirtualClock()
  const storage = await openStorage({
    url: 'memory:',
    migrations: securityMigrations,
    clock,
    random: seededRandom('sequencer'),
  })
  const statements = auditStatements(storage.dialect)
  const batches: Change[] = []
  const watched: Pick<typeof storage, 'commit' | 'read'> = {
    read: (scope, asked) => storage.read(scope, asked),
    commit: (change) => {
      batches.push(change)
      return storage.commit(change)
    },
  }
  const failures: unknown[] = []
  const failed = (error: unknown) => failures.push(error)
  const sequencer = new Sequencer({ storage: watched, clock, statements, holder: 'test', failed })
  let stored = 0
  return {
    clock,
    storage,
    sequencer,
    batches,
    failures,
    /** Records that are stored, each said before. */
    async store(count: number) {
      const pending = Array.from({ length: count }, () => {
        sequencer.expect()
        return statements.pending({ id: String(stored++).padStart(6, '0'), mark: 'm', digest: 'd' })
      })
      await storage.commit({ id: null, scope: { work: true }, statements: pending })
    },
    async size() {
      const [rows] = await storage.read({ work: true }, [statements.head({}, { returns: true })])
      return Number(rows?.[0]?.size)
    },
  }
}

it('The sequencer gives few entries their place within a second.', async () => {
  const { clock, storage, sequencer, batches, failures, store, size } = await opened()
  await store(30)
  await clock.advance('900ms')
  expect(await size()).toBe(0)
  await clock.advance('200ms')
  expect(await size()).toBe(30)
  expect(batches).toHaveLength(2)
  expect(failures).toEqual([])
  await sequencer.stop()
  await storage.close()
})

it('The sequencer gives many entries their place at once, in ever larger changes.', async () => {
  const { clock, storage, sequencer, batches, failures, store, size } = await opened()
  await store(3_000)
  await clock.advance('1ms')
  expect(await size()).toBeGreaterThan(0)
  await sequencer.run()
  expect(await size()).toBe(3_000)
  // 25, 50, 100, 200, and 400 from there on.
  expect(batches).toHaveLength(11)
  // What comes while nobody counts on it yet waits for a second again.
  await store(10)
  await clock.advance('500ms')
  expect(await size()).toBe(3_000)
  await clock.advance('1s')
  expect(await size()).toBe(3_010)
  expect(failures).toEqual([])
  await sequencer.stop()
  await storage.close()
})

it('The sequencer gives later entries their place although one entry waits for a second place.', async () => {
  const { storage, sequencer, failures, store, size } = await opened()
  const { pending } = auditStatements(storage.dialect)
  await store(3)
  await sequencer.run()
  const doubled = pending({ id: '000001', mark: 'm', digest: 'other' })
  await storage.commit({ id: null, scope: { work: true }, statements: [doubled] })
  await store(2)
  await sequencer.run()
  expect(await size()).toBe(5)
  const [rows] = await storage.read({ work: true }, [
    { sql: 'select id from security_audit_pending', binds: [], returns: true },
  ])
  expect([rows, failures]).toEqual([[], []])
  await sequencer.stop()
  await storage.close()
})

it('The sequencer gives each entry one place if more entries arrive while it works.', async () => {
  const { clock, storage, sequencer, failures, store, size } = await opened()
  await store(1_500)
  const working = clock.advance('1ms')
  await store(1_500)
  await working
  await clock.advance('1500ms')
  await sequencer.run()
  expect(await size()).toBe(3_000)
  const [rows = []] = await storage.read({ work: true }, [
    { sql: 'select id from security_audit_leaves order by n', binds: [], returns: true },
  ])
  const ids = rows.map(({ id }) => id)
  expect(new Set(ids).size).toBe(3_000)
  expect(failures).toEqual([])
  await sequencer.stop()
  await storage.close()
})
