import { expect, it, vi } from 'vitest'
import { defineAgent, handOff, invoke } from '../../../agents/index.ts'
import { construct, createVirtualClock, systemRandom } from '../../../core/index.ts'
import { createJournals, journalMigrations, stepJournal } from '../../../journal/index.ts'
import { silentLog } from '../../../observability/index.ts'
import { createHousekeeping } from '../../../operations/services/housekeeping.ts'
import { Access } from '../../../security/index.ts'
import { openParts } from '../../../startup/open-parts.ts'
import { Troupe } from '../../../startup/troupe.ts'
import { openStorage } from '../../../storage/index.ts'
import { createOrchestra } from '../create-orchestra.ts'
import { Orchestra } from '../orchestra.ts'
import type { RunAgents } from '../orchestra-parts.ts'

const config = { storage: 'memory:', log: 'silent' } as const
type Parts = Awaited<ReturnType<typeof openParts>>
const hostOf = (parts: Parts, journals: ReturnType<typeof createJournals>, log = parts.observability.log) => {
  const { platform, stores, communication, runs, security } = parts
  const { storage, blobs } = stores
  const { endedRuns, holder } = runs
  const { audit, roles, callers } = security
  const clients = (...[recorder, agent, over]: Parameters<RunAgents['clients']>) =>
    communication.clients(recorder, new Access(agent.access), over)
  return createOrchestra(
    {
      platform,
      journal: { ...parts.journal, journals },
      stores: { storage, blobs, endedRuns, holder },
      agents: {
        services: parts.agents.services,
        roles,
        callers,
        mesh: communication.mesh,
        mailboxes: communication.mailboxes,
        clients,
      },
      settings: { build: 'test', leaseMs: 10_000 },
      reporting: { log, audit, redact: (text) => text },
    },
    { agents: new Map(), teams: new Map() },
  )
}
const journalsOf = ({ platform, stores }: Parts) =>
  createJournals({ storage: stores.storage, blobs: stores.blobs, ...platform, owner: 'here' })
const openEvaluationTroupe = () => Promise.reject(new Error('nothing is evaluated here'))

it('A broken invariant ends its own run with the reason, and no other run.', async () => {
  const parts = await openParts(config)
  await using _ = new Troupe(parts, { requireUserId: false, openEvaluationTroupe })
  const orchestra = Orchestra[construct](parts.runs.orchestra, 'ada', openEvaluationTroupe)
  const asks = (name: string) => defineAgent({ name, run: (_input, ctx) => ctx.ask({ text: 'Well?' }) })
  const topology = { agents: [asks('A')], flows: ['Start -> A', 'A -> End', 'A -> User', 'User -> A'] }
  const [broken, sound] = await Promise.all([1, 2].map((task) => orchestra.start({ task, topology })))
  const [first, second] = await Promise.all([broken?.result(), sound?.result()])
  expect([first?.status, second?.status]).toEqual(['waiting', 'waiting'])
  const types: string[] = []
  const notified = (async () => {
    for await (const event of broken?.events() ?? []) types.push(event.type)
  })()
  // What no release ever wrote.
  const row = parts.journal.inbox.put('ada', `run:${broken?.id}`, 'nobody', 'end', { type: 'gossip' })
  await parts.stores.storage.commit({ id: null, scope: { user: 'ada' }, ...row })
  await notified
  expect(await broken?.result()).toMatchObject({ status: 'failed', error: { code: 'invariant.broken' } })
  expect(types).not.toContain('run.completed')
  await sound?.answer(second?.questions[0]?.id as string, 'fine')
  expect(await sound?.result()).toMatchObject({ status: 'completed', response: 'fine' })
})

it('A run whose step breaks an invariant fails with it, and the step is not repeated forever.', async () => {
  const parts = await openParts(config)
  await using _ = new Troupe(parts, { requireUserId: false, openEvaluationTroupe })
  const error = vi.fn()
  const host = hostOf(parts, journalsOf(parts), { ...silentLog, error })
  const orchestra = Orchestra[construct](host, 'ada', openEvaluationTroupe)
  let stopped = false
  const asks = defineAgent({ name: 'Asks', run: (_input, ctx) => ctx.ask({ text: 'Well?' }) })
  const works = defineAgent({
    name: 'Works',
    run: (_input, ctx) =>
      ctx.effect('work', { class: 'idempotent' }, async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        stopped = true
        return 1
      }),
  })
  const splits = defineAgent({ name: 'Splits', run: () => invoke([{ agent: 'Asks' }, { agent: 'Works' }]) })
  const flows = [
    'Start -> Splits',
    'Splits <-> Asks',
    'Splits <-> Works',
    'Splits -> End',
    'Asks -> User',
    'User -> Asks',
  ]
  const run = await orchestra.start({ task: 1, topology: { agents: [splits, asks, works], flows } })
  let step = ''
  for await (const event of run.events({ untilWaiting: true }))
    if (event.type === 'step.waiting') {
      step = stepJournal(run.id, event.step)
      break
    }
  // What no release ever wrote.
  const row = parts.journal.inbox.put('ada', step, 'resolution', 'x', null)
  await parts.stores.storage.commit({ id: null, scope: { user: 'ada' }, ...row })
  expect(await run.result()).toMatchObject({ status: 'failed', error: { code: 'invariant.broken' } })
  await vi.waitFor(() => expect(stopped).toBe(true), { timeout: 60_000 })
  expect(error.mock.calls.filter(([text]) => text === 'a step could not be executed')).toHaveLength(1)
  await host.close()
})

it('A run that ends rejects late input with `run.over`, and no run is reported as stopped.', async () => {
  const parts = await openParts(config)
  await using _ = new Troupe(parts, { requireUserId: false, openEvaluationTroupe })
  const error = vi.fn()
  const journals = journalsOf(parts)
  const host = hostOf(parts, journals, { ...silentLog, error })
  const orchestra = Orchestra[construct](host, 'ada', openEvaluationTroupe)
  const { promise, resolve } = Promise.withResolvers<number>()
  const agents = [defineAgent({ name: 'A', run: () => promise })]
  const run = await orchestra.start({ task: 1, topology: { agents, flows: ['Start -> A', 'A -> End'] } })
  const owner = await host.own('ada', run.id)
  // Its journal is closed, and it still has the change in hand that closed it.
  const late = new Promise((rejected) =>
    owner.observe(() => owner.over && owner.apply(() => undefined).catch(rejected)),
  )
  resolve(7)
  expect(await run.result()).toMatchObject({ status: 'completed', response: 7 })
  expect(await late).toMatchObject({ code: 'run.over' })
  expect(error).not.toHaveBeenCalled()
  await host.close()
})

it('A run whose journal is full fails with `journal.full`, and its steps are stopped.', async () => {
  const parts = await openParts(config)
  await using _ = new Troupe(parts, { requireUserId: false, openEvaluationTroupe })
  const { storage } = parts.stores
  const { clock } = parts.platform
  const journals = createJournals({ storage, clock, owner: 'small', limits: { maxRecords: 20, warnRecords: 10 } })
  const host = hostOf(parts, journals)
  const orchestra = Orchestra[construct](host, 'ada', openEvaluationTroupe)
  const [tick, tock] = [
    ['Tick', 'Tock'],
    ['Tock', 'Tick'],
  ].map(([name = '', other = '']) => defineAgent({ name, run: (n: number) => handOff(other, n + 1) }))
  const agents = [tick, tock].flatMap((agent) => agent ?? [])
  const run = await orchestra.start({
    task: 1,
    topology: { agents, flows: ['Start -> Tick', 'Tick <-> Tock', 'Tick -> End', 'Tock -> End'] },
    config: { guards: { pingPong: false, noProgress: false } },
  })
  const result = await run.result()
  expect(result).toMatchObject({
    status: 'failed',
    error: { code: 'journal.full' },
    guard: { name: 'journal', limit: 20, used: 21 },
  })
  expect(result.totalSteps).toBeLessThan(25)
  expect(await run.status()).toMatchObject({ status: 'failed' })
  await host.close()
})

it('A child run whose journal is full gives its parent the failure and what it used.', async () => {
  const parts = await openParts(config)
  await using _ = new Troupe(parts, { requireUserId: false, openEvaluationTroupe })
  const { storage } = parts.stores
  const { clock } = parts.platform
  const journals = createJournals({ storage, clock, owner: 'small', limits: { maxRecords: 20, warnRecords: 10 } })
  const host = hostOf(parts, journals)
  const orchestra = Orchestra[construct](host, 'ada', openEvaluationTroupe)
  const loops = defineAgent({ name: 'Loops', run: (n: number) => handOff('Loops', n + 1) })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_input, ctx) => {
      const child = await ctx.startRun({
        task: 1,
        topology: { agents: [loops], flows: ['Start -> Loops', 'Loops -> Loops', 'Loops -> End'] },
        config: { guards: { pingPong: false, noProgress: false } },
      })
      const { status, totalSteps, error, guard } = await child.result()
      return { status, totalSteps, code: error?.code ?? '', guard: guard?.name ?? '' }
    },
  })
  const run = await orchestra.start({
    task: 1,
    topology: { agents: [starts], flows: ['Start -> Starts', 'Starts -> End'] },
  })
  const result = await run.result()
  expect(result).toMatchObject({
    status: 'completed',
    response: { status: 'failed', code: 'journal.full', guard: 'journal', totalSteps: expect.any(Number) },
  })
  const { totalSteps } = result.response as { totalSteps: number }
  expect(result.totalSteps).toBe(totalSteps + 1)
  await host.close()
})

it('The cleanup removes journals of ended steps after their retention.', async () => {
  const clock = createVirtualClock()
  const storage = await openStorage({ url: 'memory:', migrations: journalMigrations, clock, random: systemRandom })
  const journals = createJournals({ storage, clock, owner: 'here', retention: { closedMs: 90_000 } })
  const housekeeping = createHousekeeping({
    clock,
    log: silentLog,
    cleanupTasks: [{ what: 'ended journals', cleanup: (limit) => journals.cleanup(limit) }],
  })
  housekeeping.start()
  for (const [id, closed] of [
    ['step:ended', true],
    ['step:open', false],
  ] as const) {
    const { fragment } = journals.create('ada', id, 'step', clock.now(), [{ n: 1 }], { closed })
    await storage.commit({ id: null, scope: { user: 'ada' }, ...fragment })
  }
  const left = async () =>
    Promise.all(['step:ended', 'step:open'].map(async (id) => (await journals.load('ada', id)) !== undefined))
  await clock.advance('61s')
  expect(await left()).toEqual([true, true])
  await clock.advance('60s')
  expect(await left()).toEqual([false, true])
  await housekeeping.close()
  await storage.close()
})
