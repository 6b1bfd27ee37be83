import { afterEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import { createVirtualClock, systemRandom } from '../../../core/index.ts'
import { journalMigrations } from '../../../journal/index.ts'
import { type OpenedStorage, openStorage } from '../../../storage/index.ts'
import { createEndedRuns } from './ended-runs.ts'
import { runMigrations } from './run-migrations.ts'
import { createRunStore } from './run-store.ts'

const missing = await missingServer()
const schema = schemaName('ended_runs')
const day = 86_400_000
let storage: OpenedStorage
afterEach(async () => {
  await storage.close()
  if (missing === undefined) await dropSchema(schema)
})

describe.each(['memory:', server].slice(0, missing === undefined ? 2 : 1))('ended runs on %s', (url) => {
  it('The cleanup removes ended runs after their retention, in batches, with all their labels and words.', async () => {
    const clock = createVirtualClock()
    const migrations = [...journalMigrations, ...runMigrations]
    storage = await openStorage({
      url,
      migrations,
      clock,
      random: systemRandom,
      time: 'clock',
      ...(url === server ? { postgres: { schema } } : {}),
    })
    const store = createRunStore(storage, { processId: () => 'here', form: 1, mark: (_, word) => word })
    const over = {
      status: 'completed',
      reason: null,
      over: true,
      moving: false,
      result: '{}',
      outside: 0,
      cost: 1,
      tokens: 5,
      unpriced: 0 as const,
    }
    const begun = (user: string, run: string) =>
      store.insert(user, run, { tags: ['old'], agents: ['A'], team: 'A', task: 'some words' })
    const put = async (user: string, statements: ReturnType<typeof begun>) =>
      expect(await storage.commit({ id: null, scope: { user }, statements })).toMatchObject({ ok: true })
    for (let hundred = 0; hundred < 20; hundred++) {
      const user = hundred % 2 === 0 ? 'ada' : 'eve'
      const ids = Array.from({ length: 100 }, (_, i) => `r${hundred}-${i}`)
      await put(
        user,
        ids.flatMap((run) => [...begun(user, run), ...store.saveStatus(user, run, { ...over, outcome: {} })]),
      )
    }
    await put('ada', begun('ada', 'open'))
    await clock.advance('10d')
    await put('ada', [...begun('ada', 'young'), ...store.saveStatus('ada', 'young', over)])
    await put('eve', [...begun('eve', 'young'), ...store.saveStatus('eve', 'young', over)])

    const ended = createEndedRuns({ storage, clock, retentionMs: 5 * day })
    const removed: number[] = []
    do removed.push(await ended.cleanup(300))
    while (removed.at(-1) !== 0)
    expect(removed).toEqual([300, 300, 300, 300, 300, 300, 200, 0])
    const left = async (user: string, search?: string) =>
      (await store.list(user, search === undefined ? {} : { search, team: 'A', tags: ['old'] }, 500)).map(
        ({ run }) => run,
      )
    expect((await left('ada')).sort()).toEqual(['open', 'young'])
    expect((await left('ada', 'words')).sort()).toEqual(['open', 'young'])
    expect(await left('eve')).toEqual(['young'])
    const counted = async (table: string) => {
      const sql = `select count(*) as n from ${table} where user_id = ${storage.dialect.name === 'sqlite' ? '?' : '$1'}`
      const [rows] = await storage.read({ user: 'ada' }, [{ sql, binds: ['ada'], returns: true }])
      return Number(rows?.[0]?.n)
    }
    // Of each a tag, an agent, a team and three words.
    expect([await counted('runs'), await counted('run_labels')]).toEqual([2, 12])
    expect(await ended.cleanup(10)).toBe(0)
    await clock.advance('5d')
    expect(await ended.cleanup(10)).toBe(2)
    expect(await left('eve')).toEqual([])
    expect(await left('ada')).toEqual(['open'])
  })
})
