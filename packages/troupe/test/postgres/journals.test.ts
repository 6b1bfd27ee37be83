/** Journals that have ended go in their order on PostgreSQL too. */
import { afterAll, describe, expect, test } from 'vitest'
import { createVirtualClock, seededRandom } from '../../src/core/index.ts'
import { createJournals, journalMigrations } from '../../src/journal/index.ts'
import { openStorage } from '../../src/storage/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('journals')

describe.skipIf(missing !== undefined)('ended journals on PostgreSQL', () => {
  afterAll(() => dropSchema(schema))

  test('The ended journals are removed after the common retention, or after their own.', async () => {
    const clock = createVirtualClock()
    const storage = await openStorage({
      url: server,
      migrations: journalMigrations,
      clock,
      random: seededRandom(1),
      time: 'clock',
      postgres: { schema },
    })
    const journals = createJournals({ storage, clock, owner: 'test' })
    const user = 'ada'
    const left = async () => {
      await journals.cleanup(10)
      const found = await Promise.all((['step:a', 'step:b', 'step:c'] as const).map((id) => journals.load(user, id)))
      return found.map((content) => content !== undefined)
    }
    for (const [id, retentionMs] of [
      ['step:a', undefined],
      ['step:b', 1_000],
      ['step:c', 5_000],
    ] as const) {
      const { fragment } = journals.create(user, id, 'step', clock.now(), [id], { closed: true, retentionMs })
      await storage.commit({ id: null, scope: { user }, ...fragment })
    }
    expect(await left()).toEqual([true, true, true])
    await clock.advance('2s')
    expect(await left()).toEqual([true, false, true])
    await storage.commit({ id: null, scope: { user }, ...journals.retainEnded(user, ['step:c'], 60_000) })
    await clock.advance('10s')
    expect(await left()).toEqual([true, false, true])
    await clock.advance('1m')
    expect(await left()).toEqual([true, false, false])
    await clock.advance('30d')
    expect(await left()).toEqual([false, false, false])
    await storage.close()
  })
})
