/** What is claimed of runs that nobody carries on: fairly among users, and at a cost that runs which wait do not raise. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIds, systemClock, systemRandom } from '../../src/core/index.ts'
import { journalMigrations } from '../../src/journal/index.ts'
import { openProcessLease, RunClaims, runMigrations } from '../../src/runs/index.ts'
import { openStorage, type Statement, type Storage } from '../../src/storage/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('claims')

describe.skipIf(missing !== undefined)('claims', () => {
  let storage: Awaited<ReturnType<typeof openStorage>>
  const reads: Statement[] = []
  const work = (text: string) => withClient((client) => client.query(`set search_path = ${schema}; ${text}`))
  /** Looks until nothing is left that it takes. @returns what it took, in its order */
  const claimAll = async (claim: (user: string, run: string) => Promise<boolean>) => {
    const watched: Storage = Object.assign(Object.create(storage) as Storage, {
      read: (...readArguments: Parameters<Storage['read']>) => {
        reads.push(...readArguments[1])
        return storage.read(...readArguments)
      },
    })
    const clock = systemClock
    const lease = await openProcessLease({ storage, clock, ids: createIds(clock, systemRandom), leaseMs: 1_000 })
    const claims = new RunClaims({ storage: watched, clock, lease, form: 1 })
    const claimed: (readonly [string, string])[] = []
    const noMoreClaims = Promise.withResolvers<void>()
    let timer = setTimeout(noMoreClaims.resolve, 2_500)
    claims.start(async (user, run) => {
      clearTimeout(timer)
      timer = setTimeout(noMoreClaims.resolve, 2_500)
      if (!(await claim(user, run))) throw new Error('the code is not here')
      claimed.push([user, run])
      await work(`update work set owner = '${lease.processId}' where user_id = '${user}' and journal_id = 'run:${run}'`)
    })
    await noMoreClaims.promise
    await claims.close()
    await lease.close()
    return claimed
  }
  beforeAll(async () => {
    storage = await openStorage({
      url: server,
      postgres: { schema },
      migrations: [...journalMigrations, ...runMigrations],
      clock: systemClock,
      random: systemRandom,
    })
  })
  afterAll(async () => {
    await storage?.close()
    await dropSchema(schema)
  })

  test('The claims take some runs of each user before more of any user.', async () => {
    await work(`insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
      select 1, 'aaa', 'run:r' || lpad(n::text, 3, '0'), 'dead', 0, 0, 0, 1 from generate_series(1, 60) n;
      insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form) values (2, 'bbb', 'run:r1', 'dead', 0, 0, 0, 1), (3, 'ccc', 'run:r1', '', 0, 0, 0, 1)`)
    const claimed = await claimAll(async () => true)
    expect(claimed).toHaveLength(62)
    const indexOfUser = (user: string) => claimed.findIndex(([each]) => each === user)
    expect(Math.max(indexOfUser('bbb'), indexOfUser('ccc'))).toBeLessThan(6)
    await work('truncate work')
  })

  test('The claims of runs without local code do not delay other runs of their user.', async () => {
    await work(`insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
      select 1, 'aaa', 'run:r' || lpad(n::text, 3, '0'), 'dead', 0, 0, 0, 1 from generate_series(1, 30) n`)
    const claimed = await claimAll(async (_, run) => run > 'r020')
    expect(claimed.map(([, run]) => run).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `r0${21 + i}`))
    await work('truncate work')
  })

  test('The claims scan neither a hundred thousand waiting runs nor those of other processes.', async () => {
    await work(`insert into processes values ('alive', 9000000000000000);
      insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form) select n % 250, 'u' || n % 1000, 'run:w' || n, '', null, 0, 0, 1 from generate_series(1, 100000) n;
      insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form) select n % 250, 'u' || n % 1000, 'run:m' || n, 'alive', 0, 0, 0, 1 from generate_series(1, 20000) n;
      insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form) select n % 250, 'u' || n, 'run:d' || n, 'dead', 0, 0, 0, 1 from generate_series(1, 5) n;
      analyze work; analyze processes`)
    reads.length = 0
    expect(await claimAll(async () => true)).toHaveLength(5)
    const free = reads.find(({ sql }) => sql.includes('recursive'))
    const plan = await withClient(async (client) => {
      await client.query(`set search_path = ${schema}`)
      await work("update work set owner = 'dead' where journal_id like 'run:d%'")
      const { rows } = await client.query(`explain (analyze, buffers, format json) ${free?.sql}`, [
        ...(free?.binds ?? []).map((bind) => (typeof bind === 'object' ? Date.now() : bind)),
      ])
      return rows[0]['QUERY PLAN'][0].Plan as Plan
    })
    expect(
      nodesOf(plan).filter(
        (processId) => processId['Relation Name'] === 'work' && processId['Node Type'] === 'Seq Scan',
      ),
    ).toEqual([])
    // A scan of the table would read some 900 pages.
    expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(400)
  })
})

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Plan[]
}
const nodesOf = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
