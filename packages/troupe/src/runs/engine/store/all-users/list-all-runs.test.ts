/** The runs of all users: by status, in pages while runs end, isolated by user, and without erased users. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../../test/postgres/postgres-server.ts'
import { createVirtualClock, systemRandom } from '../../../../core/index.ts'
import { defineAgent, finish, type Troupe } from '../../../../index.ts'
import { journalMigrations } from '../../../../journal/index.ts'
import { troupesOfTests } from '../../../../startup/troupe-testbed.test.fixture.ts'
import { openStorage } from '../../../../storage/index.ts'
import { runMigrations } from '../run-migrations.ts'
import { createRunStore } from '../run-store.ts'
import { candidateRuns, readCandidates } from './read-all-runs.ts'

const missing = await missingServer()
const schema = schemaName('all_runs')
const folder = mkdtempSync(join(tmpdir(), 'troupe-all-runs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  await closeAll()
  if (missing === undefined) await dropSchema(schema)
})
const { opened, closeAll } = troupesOfTests()

const agent = defineAgent<string>({
  name: 'Clerk',
  run: async (task, ctx) => {
    if (task === 'fail') throw new Error('no luck')
    if (task === 'ask') return finish(await ctx.ask({ text: 'Which?' }))
    if (task === 'work') await new Promise((_, reject) => ctx.signal.addEventListener('abort', reject))
    return finish(task)
  },
})
type Listed = NonNullable<Parameters<Troupe['listRuns']>[0]>
const listed = async (troupe: Troupe, options: Listed = {}) => {
  const found: string[] = []
  for await (const { user, id } of await troupe.listRuns(options)) found.push(`${user} ${id}`)
  return found
}

describe.each(['memory:', server].slice(0, missing === undefined ? 2 : 1))('runs of all users on %s', (url) => {
  const config = { storage: url === 'memory:' ? url : { url, schema }, agents: [agent] }
  const start = (troupe: Troupe, user: string, id: string, task: string) =>
    troupe.user(user).orchestra.start({ id, task, agent })

  it('A list of all users has the open, waiting, ended or failed runs, with the user of each.', async () => {
    const troupe = await opened(config)
    for (const [user, id, task] of [
      ['eve', 'asks', 'ask'],
      ['ada', 'done', 'well'],
      ['ada', 'asks', 'ask'],
      ['bob', 'fails', 'fail'],
      ['eve', 'fails too', 'fail'],
    ] as const)
      await (await start(troupe, user, id, task)).result()
    const works = await start(troupe, 'bob', 'works', 'work')
    expect(await listed(troupe)).toEqual(['ada asks', 'bob works', 'eve asks'])
    expect(await listed(troupe, { status: 'open', limit: 1 })).toEqual(['ada asks', 'bob works', 'eve asks'])
    expect(await listed(troupe, { status: 'waiting', limit: 1 })).toEqual(['ada asks', 'eve asks'])
    expect(await listed(troupe, { status: 'ended' })).toEqual(['eve fails too', 'bob fails', 'ada done'])
    expect(await listed(troupe, { status: 'ended', limit: 2 })).toEqual(['eve fails too', 'bob fails', 'ada done'])
    expect(await listed(troupe, { status: 'failed', limit: 1 })).toEqual(['eve fails too', 'bob fails'])
    const [failed] = (await troupe.listRuns({ status: 'failed', limit: 1 })).items
    expect(failed).toEqual({
      user: 'eve',
      ...(await troupe.user('eve').orchestra.list({ status: 'failed' })).items[0],
    })
    expect(failed).toMatchObject({ title: 'fail', status: 'failed', error: { message: expect.any(String) } })
    await works.cancel()
    await works.result()
    expect(await listed(troupe, { status: 'failed' })).toHaveLength(2)
    expect(await listed(troupe, { status: 'ended', limit: 1 })).toHaveLength(4)
  })

  it('The pages of a list of all users have no gaps and no repeats while runs end and start.', async () => {
    const troupe = await opened(config)
    const users = ['ada', 'bob', 'eve']
    const ids = Array.from({ length: 5 }, (_, i) => `r${i}`)
    for (const user of users)
      for (const id of ids) await (await start(troupe, user, id, id === 'r0' ? 'fail' : 'ask')).result()
    const end = async (user: string, id: string) => {
      const run = await troupe.user(user).orchestra.get(id)
      const [question] = (await run.result()).questions
      await run.answer(question?.id ?? '', 'this')
      await run.result()
    }
    const first = await troupe.listRuns({ limit: 4 })
    expect(first.items.map(({ user, id }) => `${user} ${id}`)).toEqual(['ada r1', 'ada r2', 'ada r3', 'ada r4'])
    // The last run of the page ends, and one of the next page.
    await end('ada', 'r4')
    await end('bob', 'r2')
    const open = await listed(troupe, { limit: 4, cursor: String(first.cursor) })
    expect(open).toEqual(['bob r1', 'bob r3', 'bob r4', 'eve r1', 'eve r2', 'eve r3', 'eve r4'])

    const ended = await troupe.listRuns({ status: 'ended', limit: 2 })
    expect(ended.items.map(({ user, id }) => `${user} ${id}`)).toEqual(['bob r2', 'ada r4'])
    await end('eve', 'r1')
    await (await start(troupe, 'ada', 'new', 'fail')).result()
    const earlier = await listed(troupe, { status: 'ended', limit: 1, cursor: String(ended.cursor) })
    expect(earlier).toEqual(['eve r0', 'bob r0', 'ada r0'])
    expect(await listed(troupe, { status: 'failed', limit: 2 })).toEqual(['ada new', 'eve r0', 'bob r0', 'ada r0'])
  })

  it('The runs of an erased user disappear from the lists of all users.', async () => {
    const troupe = await opened(config)
    for (const user of ['ada', 'eve'])
      for (const task of ['ask', 'fail']) await (await start(troupe, user, task, task)).result()
    const { cursor } = await troupe.listRuns({ limit: 1 })
    await troupe.forget('eve')
    expect(await listed(troupe)).toEqual(['ada ask'])
    expect(await listed(troupe, { cursor: String(cursor) })).toEqual([])
    expect(await listed(troupe, { status: 'failed' })).toEqual(['ada fail'])
    expect(await listed(troupe, { status: 'ended' })).toEqual(['ada fail'])
    expect(await listed(troupe, { status: 'waiting' })).toEqual(['ada ask'])
  })

  it('A list of all users rejects unknown options, limits and cursors, and an aborted signal.', async () => {
    const troupe = await opened(config)
    const rejected = (options: object) => troupe.listRuns(options as Listed).catch((error: unknown) => error)
    expect(await rejected({ status: 'fail' })).toMatchObject({ message: expect.stringContaining('nearest is failed') })
    expect(await rejected({ limit: 0 })).toMatchObject({ message: expect.stringContaining('from 1 to 500') })
    expect(await rejected({ user: 'ada' })).toMatchObject({ code: 'option.unknown' })
    for (const cursor of ['', '[1]', JSON.stringify([0, 'ada', 'r', 'failed']), '[0,"","r","open"]'])
      expect(await rejected({ cursor })).toMatchObject({ code: 'cursor.invalid' })
    expect(await rejected({ signal: AbortSignal.abort() })).toMatchObject({ code: 'cancelled' })
  })

  it('The migration adds the status of ended runs, and failed runs of the previous release are listed.', async () => {
    const options = {
      url: url === 'memory:' ? `sqlite:${join(folder, 'old.db')}` : url,
      clock: createVirtualClock(),
      random: systemRandom,
      time: 'clock' as const,
      ...(url === 'memory:' ? {} : { postgres: { schema } }),
    }
    const statements = (run: string, status: string) => [
      {
        sql: `insert into runs (user_id, run_id, status, tags, agents, created_at, updated_at, ended_at)
          values ('ada', '${run}', '${status}', '[]', '[]', 5, 5, 5)`,
        binds: [],
      },
      { sql: `insert into runs_ended (user_id, run_id, at) values ('ada', '${run}', 5)`, binds: [] },
    ]
    const earlier = runMigrations.filter(({ version }) => version < 4)
    const old = await openStorage({ ...options, migrations: [...journalMigrations, ...earlier] })
    const put = async (storage: typeof old, run: string, status: string) =>
      expect(
        await storage.commit({ id: null, scope: { user: 'ada' }, statements: statements(run, status) }),
      ).toMatchObject({ ok: true })
    await put(old, 'done', 'completed')
    await put(old, 'failed', 'failed')
    await old.close()
    const storage = await openStorage({ ...options, migrations: [...journalMigrations, ...runMigrations] })
    // As a process of the previous release writes them during a rolling update.
    await put(storage, 'later done', 'completed')
    await put(storage, 'later failed', 'failed')
    const store = createRunStore(storage, { processId: () => 'here', form: 1, mark: (_, word) => word })
    const candidates = await candidateRuns({ storage, store }, 'failed', 10, undefined)
    expect(candidates.map(({ run }) => run)).toEqual(['later failed', 'later done', 'failed'])
    const found = await readCandidates({ storage }, 'failed', candidates)
    expect(found.map(({ run }) => run)).toEqual(['later failed', 'failed'])
    await storage.close()
  })
})
