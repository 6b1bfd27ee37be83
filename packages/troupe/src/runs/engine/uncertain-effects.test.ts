import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  type Agent,
  createTroupe,
  defineAgent,
  finish,
  invoke,
  type Run,
  type Troupe,
  TroupeError,
} from '../../index.ts'

/** A time as ISO 8601 text. */
const iso = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
const open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

const reverted: [string, unknown][] = []
const pay = defineAgent({
  name: 'Payer',
  run: async (_, ctx) =>
    finish(
      await ctx.effect(
        'pay',
        {
          class: 'at-most-once',
          key: 'order-17',
          input: { amount: 250 },
          undo: async (key, output) => void reverted.push([key, output]),
        },
        () => {
          throw new TroupeError('the answer did not come', { code: 'outcome.unknown' })
        },
      ),
    ),
})
const uncertain = {
  step: '1#1',
  call: '/effect:pay[order-17]#1',
  name: 'pay',
  class: 'at-most-once',
  input: { amount: 250 },
  key: 'order-17',
  since: expect.stringMatching(/^\d{4}-.*Z$/),
  problem: 'the answer did not come',
}

/** A run that was cancelled while the outcome of its effect was unknown. */
async function cancelledRun() {
  reverted.length = 0
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [pay] })
  open.push(troupe)
  const { orchestra } = troupe.user('ada')
  const topology = { agents: [pay], flows: ['Start -> Payer', 'Payer -> End'] }
  const run = await orchestra.start({ id: 'r', task: 'go', topology })
  expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'uncertain', uncertain: [uncertain] })
  await run.cancel()
  return { orchestra, run }
}
const why = async (orchestra: ReturnType<Troupe['user']>['orchestra'], run: Run) =>
  (await orchestra.why(run.id)).sentences.filter(({ about }) => about === 'uncertain').map(({ text }) => text)

it('The result of a run that ended with an uncertain effect names it, with its input and its key.', async () => {
  const { orchestra, run } = await cancelledRun()
  expect(await run.result()).toMatchObject({ status: 'cancelled', uncertain: [uncertain] })
  expect(await run.uncertain()).toEqual([uncertain])
  expect(await run.calls('1#1')).toMatchObject([{ state: 'uncertain', input: { amount: 250 }, key: 'order-17' }])
  expect(await why(orchestra, run)).toEqual([
    'The effect pay of Payer (1#1) may have happened or not: find out, then call run.resolve().',
  ])
})

it.each([
  ['failed', (): Promise<string> => Promise.reject(new Error('no paper')), 'all'],
  ['completed', (): string => 'printed', { quorum: 1 }],
] as const)(
  'The result of a run that %s beside an uncertain effect names it until it is resolved.',
  async (status, print, join) => {
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    open.push(troupe)
    const { orchestra } = troupe.user('ada')
    const isUncertain = Promise.withResolvers<void>()
    const lead = defineAgent({ name: 'Lead', run: () => invoke([{ agent: 'Payer' }, { agent: 'Printer' }]) })
    const printer = defineAgent({ name: 'Printer', run: () => isUncertain.promise.then(print) })
    const last = defineAgent({ name: 'Last', run: (input) => input })
    const agents = [lead, pay, printer, last]
    const flows = [
      'Start -> Lead',
      'Lead -> Payer',
      'Lead -> Printer',
      'Payer -> Last',
      'Printer -> Last',
      'Last -> End',
    ]
    const topology = { agents, flows, nodes: { Last: { join, onFailure: 'failFast' } } } as const
    const run = await orchestra.start({ task: 'go', topology })
    await expect.poll(() => run.uncertain()).toHaveLength(1)
    isUncertain.resolve()
    const { uncertain: named = [], ...result } = await run.result()
    expect(result.status).toBe(status)
    expect(named).toEqual([{ ...uncertain, step: expect.any(String) }])
    expect(await why(orchestra, run)).toHaveLength(1)
    await run.resolve(named[0] as never, { happened: true, output: { receipt: 7 } })
    expect((await run.result()).uncertain).toBeUndefined()
    expect(await why(orchestra, run)).toEqual([expect.stringContaining('is known by now to have happened')])
  },
)

it('An effect that is resolved as happened after the end of its run is recorded and can be undone.', async () => {
  const { orchestra, run } = await cancelledRun()
  await run.resolve(uncertain, { happened: true, output: { receipt: 7 } })
  expect((await run.result()).uncertain).toBeUndefined()
  expect(await run.calls('1#1')).toMatchObject([
    {
      state: 'done',
      output: { receipt: 7 },
      startedAt: expect.stringMatching(iso),
      recordedAt: expect.stringMatching(iso),
    },
  ])
  expect(await why(orchestra, run)).toEqual([
    'The effect pay of Payer (1#1) was uncertain; it is known by now to have happened.',
  ])
  expect(await orchestra.undo(run.id)).toMatchObject([{ step: '1#1', effect: 'pay[order-17]', status: 'undone' }])
  expect(reverted).toEqual([['order-17', { receipt: 7 }]])
  await expect(run.resolve(uncertain, { happened: false })).rejects.toMatchObject({ code: 'effect.resolved' })
})

it('An effect that is resolved as not happened after the end of its run is recorded, and there is nothing to undo.', async () => {
  const { orchestra, run } = await cancelledRun()
  await run.resolve(uncertain, { happened: false })
  expect(await run.uncertain()).toEqual([])
  expect(await run.calls('1#1')).toMatchObject([{ state: 'not-happened', key: 'order-17' }])
  expect(await why(orchestra, run)).toEqual([
    'The effect pay of Payer (1#1) was uncertain; it is known by now not to have happened.',
  ])
  expect(await orchestra.undo(run.id)).toEqual([])
})

it('A person who resolves an effect twice at once after the end of its run resolves it once.', async () => {
  const { run } = await cancelledRun()
  const resolved = await Promise.allSettled([1, 2].map((n) => run.resolve(uncertain, { happened: true, output: n })))
  expect(resolved.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await run.calls('1#1')).toHaveLength(1)
})

describe('a process without the code of the run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-resolved-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const topology = { agents: [pay], flows: ['Start -> Payer', 'Payer -> End'] }

  it('A process without the code of the run records the outcome, and the run continues in a process that has it.', async () => {
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const started = await createTroupe({ storage, log: 'silent', agents: [pay] })
    const run = await started.user('ada').orchestra.start({ id: 'r', task: 'go', topology })
    expect(await run.result()).toMatchObject({ reason: 'uncertain' })
    await started.close()

    const other = await createTroupe({ storage, log: 'silent' })
    const seen = await other.user('ada').orchestra.get('r')
    await seen.resolve(uncertain, { happened: true, output: 'receipt 7' })
    expect(await seen.uncertain()).toEqual([])
    await other.close()

    const later = await createTroupe({ storage, log: 'silent', agents: [pay] })
    open.push(later)
    const resumed = await later.user('ada').orchestra.get('r')
    await expect.poll(async () => (await resumed.result()).status, { timeout: 20_000 }).toBe('completed')
    expect(await resumed.result()).toMatchObject({ response: 'receipt 7' })
  })
})

describe('a run cancelled during a claimed at-most-once effect', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-claimed-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const { problem: _, ...claimed } = uncertain
  const topology = (agent: Agent) => ({ agents: [agent], flows: ['Start -> Payer', 'Payer -> End'] })
  const payer = (execute: (call: { readonly signal: AbortSignal }) => Promise<string>) =>
    defineAgent({
      name: 'Payer',
      run: async (_, ctx) =>
        ctx.effect('pay', { class: 'at-most-once', key: 'order-17', input: { amount: 250 } }, execute),
    })

  it('A run that is cancelled before its step runs again, after its process ended, lists the effect as uncertain.', async () => {
    const database = join(folder, 'ended.db')
    const program = join(import.meta.dirname, '../../../test/crash/killed-payer-child.ts')
    const { signal, stderr } = spawnSync(process.execPath, ['--no-warnings', program, database], { encoding: 'utf8' })
    expect([signal, stderr]).toEqual(['SIGKILL', ''])
    let executions = 0
    const agent = payer(async () => `paid ${++executions} times`)
    const troupe = await createTroupe({ storage: `sqlite:${database}`, log: 'silent', agents: [agent] })
    open.push(troupe)
    const run = await troupe.user('ada').orchestra.get('r')
    await run.cancel()
    expect(await run.result()).toMatchObject({ status: 'cancelled', uncertain: [claimed] })
    expect(await run.uncertain()).toEqual([claimed])
    expect(await run.calls('1#1')).toMatchObject([{ state: 'uncertain', input: { amount: 250 }, key: 'order-17' }])
    expect(executions).toBe(0)
    await run.resolve(uncertain, { happened: true, output: { receipt: 7 } })
    expect(await run.uncertain()).toEqual([])
  })

  it('A run that is cancelled while the function of the effect is executed lists the effect as uncertain.', async () => {
    const begun = Promise.withResolvers<void>()
    const agent = payer(({ signal }) => {
      begun.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    open.push(troupe)
    const run = await troupe.user('ada').orchestra.start({ id: 'r', task: 'go', topology: topology(agent) })
    await begun.promise
    await run.cancel()
    expect(await run.result()).toMatchObject({ status: 'cancelled', uncertain: [claimed] })
  })

  it('A run that is cancelled lists no effect whose outcome its journal holds.', async () => {
    const paid = Promise.withResolvers<void>()
    const agent = defineAgent({
      name: 'Payer',
      run: async (_, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once' }, () => 'paid')
        paid.resolve()
        return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
      },
    })
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    open.push(troupe)
    const run = await troupe.user('ada').orchestra.start({ id: 'r', task: 'go', topology: topology(agent) })
    await paid.promise
    await run.cancel()
    expect(await run.uncertain()).toEqual([])
    expect(await run.calls('1#1')).toMatchObject([{ state: 'done' }])
  })
})
