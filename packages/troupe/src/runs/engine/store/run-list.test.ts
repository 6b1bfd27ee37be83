import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import { createTroupe, defineAgent, finish, LlmAgent, type Troupe, ValidationError } from '../../../index.ts'
import { echo, pipe } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const missing = await missingServer()
const schema = schemaName('run_list')
let troupe: Troupe
afterEach(async () => {
  await troupe.close()
  if (missing === undefined) await dropSchema(schema)
})

describe.each(['memory:', { url: server, schema }].slice(0, missing === undefined ? 2 : 1))('runs on %j', (storage) => {
  it('Runs are found by status, tags and words, and started once for their id.', async () => {
    const echo = defineAgent({
      name: 'Echo',
      run: async (task: string) => {
        if (task === 'fail') throw new Error('no')
        return finish(task)
      },
    })
    const topology = { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] }
    const pair = defineAgent({ name: 'Pair', run: async () => 'a couple of Words' })
    const pairs = { agents: [echo, pair], flows: ['Start -> Pair', 'Pair -> Echo', 'Echo -> End'] }
    const key = randomBytes(32).toString('hex')
    const encryption = { keys: [{ id: 'one', key }] }
    troupe = await createTroupe({ storage, log: 'silent', teams: { pairs }, encryption })
    const { orchestra } = troupe.user('ada')
    await orchestra.run({ id: 'pair', task: { about: 'Quarterly figures' }, topology: pairs })
    expect((await orchestra.list({ team: 'pairs' })).items).toMatchObject([{ id: 'pair', team: 'pairs' }])
    expect((await orchestra.list({ search: 'figures QUARTERLY couple' })).items).toMatchObject([{ id: 'pair' }])
    expect((await orchestra.list({ title: ' ARTERLY fig' })).items).toMatchObject([{ id: 'pair' }])
    expect((await orchestra.list({ title: 'arterly fog' })).items).toEqual([])
    expect((await troupe.user('eve').orchestra.list({ search: 'figures' })).items).toEqual([])
    await orchestra.fork('pair', { at: 1, id: 'again' }).then((run) => run.result())
    expect((await orchestra.list({ team: 'pairs', search: 'figures' })).items.map(({ id }) => id)).toEqual([
      'again',
      'pair',
    ])
    for (const id of ['a', 'b', 'fail'])
      await orchestra.run({ id, task: id, topology, tags: [id === 'b' ? 'even' : 'odd', 'all'] })
    const ids = async (filter: Parameters<typeof orchestra.list>[0]) =>
      (await orchestra.list(filter)).items.map(({ id }) => id)
    expect(await ids({ tags: ['odd', 'all'] })).toEqual(['fail', 'a'])
    expect(await ids({ agent: 'Echo', team: 'Echo', order: 'oldest' })).toEqual(['a', 'b', 'fail'])
    expect(await ids({ status: 'failed', from: '2020-01-01' })).toEqual(['fail'])
    expect(await ids({ title: 'OD fai' })).toEqual(['fail'])
    expect(await ids({ minCost: 1 })).toEqual([])
    await expect(ids({ maxCost: 1e300 })).rejects.toThrow(/orchestra.list.maxCost .* at most 9007199254740991/)
    expect(await ids({ team: 'Echo', search: 'odd fail no' })).toEqual(['fail'])
    const paged: string[] = []
    for await (const { id } of await orchestra.list({ tags: ['odd'], limit: 1 })) paged.push(id)
    expect(paged).toEqual(['fail', 'a'])
    const byDuration: string[] = []
    for await (const { id } of await orchestra.list({ order: 'duration', limit: 2 })) byDuration.push(id)
    expect(byDuration.toSorted()).toEqual(await ids({}).then((all) => all.toSorted()))
    const byStatus: string[] = []
    for await (const { id } of await orchestra.list({ order: 'status', limit: 2 })) byStatus.push(id)
    expect(byStatus).toEqual(['fail', 'b', 'a', 'again', 'pair'])
    const { cursor } = await orchestra.list({ order: 'duration', limit: 2 })
    await expect(orchestra.list({ order: 'cost', cursor: String(cursor) })).rejects.toMatchObject({
      code: 'cursor.invalid',
    })
    const wrong = async (filter: object) => {
      const error = await orchestra.list(filter).catch((thrown: unknown) => thrown)
      return error instanceof ValidationError ? `${error.message} ${error.hint}` : error
    }
    const usage = await orchestra.usage()
    expect(usage.map(({ team, runs, failed }) => [team, runs, failed])).toEqual([
      ['Echo', 3, 1],
      ['pairs', 2, 0],
    ])
    expect(usage.every(({ durationMs }) => durationMs && durationMs.p50 <= durationMs.p95)).toBe(true)
    expect(await orchestra.usage({ to: '2020-01-01' })).toEqual([])
    expect(await troupe.user('eve').orchestra.usage({ interval: 'day' })).toEqual([])
    await expect(orchestra.usage({ from: '2020-01-01' })).rejects.toThrow('more than 1000 intervals')
    await expect(orchestra.usage({ interval: 'week' } as never)).rejects.toThrow('it must be hour or day')
    expect(await wrong({ status: 'complete' })).toMatch(/nearest is completed/)
    expect(await wrong({ status: ['failed'] })).toMatch(/status is not valid: it must be one of running/)
    expect(await wrong({ tag: 'odd' })).toMatch(/tags/)
    const texts = Array.from({ length: 17 }, (_, i) => `t${i}`)
    expect(await wrong({ tags: texts })).toMatch(/16 texts at most/)
    expect(await wrong({ search: texts.join(' ') })).toMatch(/search/)
    expect(await ids({ tags: texts.slice(1), search: texts.slice(1).join(' ') })).toEqual([])
    expect(await wrong({ search: ' -- ' })).toMatch(/contains no word/)
    expect(await wrong({ title: ' ' })).toMatch(/1 to 200 characters/)
    expect(await wrong({ from: 'yesterday' })).toMatch(/it must be a time such as .*, got yesterday/)
    const repeated = await Promise.all([1, 2].map(() => orchestra.start({ id: 'a', task: 'a', topology })))
    expect(repeated.map(({ id }) => id)).toEqual(['a', 'a'])
    await expect(orchestra.start({ id: 'a', task: 'other', topology })).rejects.toMatchObject({ code: 'run.repeated' })
  })

  it('A run that executes shows the tokens and the cost of the steps that have ended.', async () => {
    const clerk = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: ['Yes.'] }) })
    const released = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const slow = defineAgent({
      name: 'Slow',
      run: async () => {
        started.resolve()
        await released.promise
        return 'done'
      },
    })
    troupe = await createTroupe({ storage, log: 'silent' })
    const { orchestra } = troupe.user('ada')
    const topology = { agents: [clerk, slow], flows: ['Start -> Clerk', 'Clerk -> Slow', 'Slow -> End'] }
    const run = await orchestra.start({ task: 'Is it so?', topology })
    await started.promise
    const [[executing], [ofAll]] = await Promise.all([
      orchestra.list({ status: 'running' }).then(({ items }) => items),
      troupe.listRuns().then(({ items }) => items),
    ])
    released.resolve()
    const { usage, cost } = await run.result()
    expect(usage.outputTokens).toBeGreaterThan(0)
    expect(executing).toMatchObject({ id: run.id, status: 'running', usage, cost })
    expect(ofAll).toMatchObject({ id: run.id, usage, cost })
    const [ended] = (await orchestra.list({})).items
    expect(ended).toMatchObject({ status: 'completed', usage, cost })
  })

  it('A run with a long result is listed with its steps, usage and cost, and has its complete result.', async () => {
    const words = Array.from({ length: 20_000 }, (_, i) => `word ${i}`)
    const clerk = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: ['Yes.'] }) })
    const writer = defineAgent({ name: 'Writer', run: () => finish(words) })
    const encryption = { keys: [{ id: 'one', key: randomBytes(32).toString('hex') }] }
    troupe = await createTroupe({ storage, log: 'silent', encryption })
    const { orchestra } = troupe.user('ada')
    const topology = { agents: [clerk, writer], flows: ['Start -> Clerk', 'Clerk -> Writer', 'Writer -> End'] }
    const run = await orchestra.start({ task: 'Is it so?', topology })
    const { response, branchResults, usage, cost, totalSteps } = await run.result()
    expect([response, branchResults.at(-1)?.value]).toEqual([words, words])
    const { items } = await orchestra.list({})
    expect(items).toMatchObject([{ id: run.id, status: 'completed', steps: totalSteps, usage, cost }])
  })

  it('A list of runs rejects a cursor whose values no run can have.', async () => {
    troupe = await createTroupe({ storage, log: 'silent' })
    const { orchestra } = troupe.user('ada')
    for (const [order, cursor] of [
      ['cost', '[1e400,"r","cost"]'],
      ['tokens', '[1.5,"r","tokens"]'],
      ['newest', '[1,"nul\\u0000","newest"]'],
      ['status', '[1,"r","status","over"]'],
    ] as const)
      await expect(orchestra.list({ order, cursor }), cursor).rejects.toMatchObject({ code: 'cursor.invalid' })
    expect((await orchestra.list({ order: 'cost', cursor: '[1.5,"r","cost"]' })).items).toEqual([])
  })
})

it('The usage of a team with the name null does not include runs whose team is not registered.', async () => {
  troupe = await createTroupe({ storage: 'memory:', log: 'silent', teams: { null: pipe(echo('A'), echo('B')) } })
  const { orchestra } = troupe.user('ada')
  await orchestra.run({ task: 't', team: 'null' })
  await orchestra.run({ task: 't', topology: pipe(echo('B'), echo('A')) })
  const usage = await orchestra.usage()
  expect(usage.map(({ team, runs }) => [team, runs])).toEqual(
    expect.arrayContaining([
      ['null', 1],
      [undefined, 1],
    ]),
  )
})

it('A page that looks for a title ends after a bounded number of runs, with a cursor that continues.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-run-list-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'troupe.db')
  const agent = defineAgent({ name: 'Echo', run: async (task: string) => task })
  const config = { storage: `sqlite:${path}`, log: 'silent', agents: [agent] } as const
  troupe = await createTroupe(config)
  for (const task of ['Refunds 0', 'Refunds 1', 'Refunds 2']) await troupe.user('ada').orchestra.run({ agent, task })
  await troupe.user('ada').orchestra.run({ id: 'other', agent, task: 'other' })
  await troupe.close()
  copyRun(path, 'other', 5_300)
  troupe = await createTroupe(config)
  const { orchestra } = troupe.user('ada')
  const first = await orchestra.list({ title: 'efund' })
  expect(first.items).toEqual([])
  const found: string[] = []
  for await (const { title } of first) found.push(title)
  expect(found.toSorted()).toEqual(['Refunds 0', 'Refunds 1', 'Refunds 2'])
  const [newest] = (await orchestra.list({ title: 'OTHER', limit: 1 })).items
  expect(newest).toEqual((await orchestra.list({ limit: 1 })).items[0])
})

/** Copies the row of a run with raw SQL: the runs themselves would take many seconds. Each copy is newer than the one before. */
function copyRun(path: string, run: string, copies: number): void {
  const db = new DatabaseSync(path)
  const columns = db
    .prepare("select name from pragma_table_info('runs')")
    .all()
    .map(({ name }) => String(name))
  const changed: Readonly<Record<string, string>> = { run_id: "'copy ' || n", created_at: 'created_at + n' }
  db.prepare(
    `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ?)
      insert into runs (${columns.join(', ')})
      select ${columns.map((name) => changed[name] ?? name).join(', ')} from runs, numbers where run_id = ?`,
  ).run(copies, run)
  db.close()
}

it('The usage over time counts the runs of models whose price is unknown.', async () => {
  const agent = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: ['Yes.', 'No.'] }) })
  const offline = new LlmAgent({ name: 'Offline', model: 'offline/extractive' })
  troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  for (const one of [agent, agent, offline]) await orchestra.run({ agent: one, task: 'Is it so?' })
  expect((await orchestra.usage()).map(({ team, unpriced }) => [team, unpriced])).toEqual([
    ['Clerk', 2],
    ['Offline', 0],
  ])
})
