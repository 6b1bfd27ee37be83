import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, Orchestra, Run, Schedules, type Troupe, TroupeError } from '../../index.ts'

const echo = defineAgent({ name: 'Echo', run: async (input) => input as never })
const asking = defineAgent({ name: 'Asking', run: async (_, ctx) => finish(await ctx.ask({ text: 'Well?' })) })
const failing = defineAgent({
  name: 'Failing',
  run: async () => {
    throw new TroupeError('no', { code: 'own.no' })
  },
})
const uncertain = defineAgent({
  name: 'Uncertain',
  run: (_, ctx) =>
    ctx.effect('pay', { class: 'at-most-once' }, () => {
      throw new TroupeError('no answer', { code: 'outcome.unknown' })
    }),
})

describe('an operation of the library on runs', () => {
  let troupe: Troupe
  beforeAll(async () => {
    const agents = [echo, asking, failing, uncertain]
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents, audit: { reads: true } })
  })
  afterAll(() => troupe.close())
  const ada = () => troupe.user('ada')
  const runOf = async (agent: string, config: object = {}) => {
    const run = await ada().orchestra.start({ task: 1, agent, config } as never)
    await run.result()
    return run
  }
  const held = { debug: { breakOn: 'error' } }
  let ids = 0
  const schedule = async (paused = false) => {
    const id = `s${++ids}`
    await ada().schedules.create({ id, agent: 'Echo', task: 1, every: '1d', paused } as never)
    return id
  }

  /** What the log calls each, and how it is done; undefined: it tells only how runs stand, or nothing of one. */
  const operations: Readonly<Record<string, readonly [string, () => Promise<unknown>] | undefined>> = {
    'Run.result': ['read.run', async () => (await runOf('Echo')).result()],
    'Run.output': ['read.run', async () => (await runOf('Echo')).output()],
    'Run.events': ['read.run', async () => (await runOf('Echo')).events().next()],
    'Run.live': ['read.run', async () => (await runOf('Echo')).live()],
    'Run.inspect': ['read.run', async () => (await runOf('Echo')).inspect()],
    'Run.calls': ['read.run', async () => (await runOf('Echo')).calls('1#1')],
    'Run.uncertain': ['read.run', async () => (await runOf('Echo')).uncertain()],
    'Run.status': undefined,
    'Run.pause': ['run.pause', async () => (await runOf('Asking')).pause()],
    'Run.resume': ['run.resume', async () => (await runOf('Failing', held)).resume()],
    'Run.step': ['run.resume', async () => (await runOf('Failing', held)).step()],
    'Run.breakAt': ['run.break', async () => (await runOf('Asking')).breakAt('error')],
    'Run.edit': ['run.edit', async () => (await runOf('Failing', held)).edit({ results: { '1#1': 'x' } })],
    'Run.cancel': ['run.cancel', async () => (await runOf('Asking')).cancel()],
    'Run.fork': ['run.fork', async () => (await runOf('Echo')).fork({ at: 1 })],
    'Orchestra.planFork': ['read.run', async () => ada().orchestra.planFork((await runOf('Echo')).id, { at: 1 })],
    'Run.retry': ['run.retry', async () => (await runOf('Failing')).retry()],
    'Run.answer': [
      'run.answer',
      async () => {
        const run = await runOf('Asking')
        await run.answer((await run.result()).questions[0]?.id ?? '', 'x')
      },
    ],
    'Run.resolve': [
      'run.resolve',
      async () => {
        const run = await runOf('Uncertain')
        const [effect] = await run.uncertain()
        await run.cancel()
        await run.resolve(effect as never, { happened: false })
      },
    ],
    'Orchestra.start': ['run.start', () => runOf('Echo')],
    'Orchestra.run': ['run.start', () => ada().orchestra.run({ task: 1, agent: 'Echo' })],
    'Orchestra.get': undefined,
    'Orchestra.list': undefined,
    'Orchestra.usage': undefined,
    'Orchestra.usageBy': undefined,
    'Orchestra.deleteThread': [
      'thread.delete',
      async () => {
        await ada().orchestra.run({ task: 1, agent: 'Echo', threadId: 'd' })
        await ada().orchestra.deleteThread('d')
      },
    ],
    'Orchestra.threads': undefined,
    'Orchestra.thread': [
      'read.thread',
      async () => {
        await ada().orchestra.run({ task: 1, agent: 'Echo', threadId: 't' })
        await ada().orchestra.thread('t')
      },
    ],
    'Orchestra.check': undefined,
    'Orchestra.verifyReplay': ['read.run', async () => ada().orchestra.verifyReplay((await runOf('Echo')).id)],
    'Orchestra.compare': [
      'read.run',
      async () => ada().orchestra.compare((await runOf('Echo')).id, (await runOf('Echo')).id),
    ],
    'Orchestra.at': ['read.run', async () => ada().orchestra.at((await runOf('Echo')).id, 1)],
    'Orchestra.prompts': ['read.run', async () => ada().orchestra.prompts((await runOf('Echo')).id, '1#1')],
    'Orchestra.export': ['run.export', async () => ada().orchestra.export((await runOf('Echo')).id)],
    'Orchestra.why': ['read.run', async () => ada().orchestra.why((await runOf('Echo')).id)],
    'Orchestra.undo': ['run.undo', async () => ada().orchestra.undo((await runOf('Echo')).id)],
    'Orchestra.fork': ['run.fork', async () => ada().orchestra.fork((await runOf('Echo')).id, { at: 1 })],
    'Orchestra.evaluate': [
      'evaluation.start',
      async () => ada().orchestra.evaluate({ runs: [(await runOf('Echo')).id], change: {}, score: 'exact' }),
    ],
    'Schedules.create': ['schedule.create', () => schedule()],
    'Schedules.get': undefined,
    'Schedules.list': undefined,
    'Schedules.pause': ['schedule.pause', async () => ada().schedules.pause(await schedule())],
    'Schedules.resume': ['schedule.resume', async () => ada().schedules.resume(await schedule(true))],
    'Schedules.delete': ['schedule.delete', async () => ada().schedules.delete(await schedule())],
    'Schedules.trigger': ['schedule.trigger', async () => ada().schedules.trigger(await schedule())],
  }

  it('The table of audited operations names every public method of Run, Orchestra and Schedules.', () => {
    const methods = [Run, Orchestra, Schedules].flatMap(({ name, prototype }) =>
      Object.getOwnPropertyNames(prototype)
        .filter((method) => method !== 'constructor')
        .map((method) => `${name}.${method}`),
    )
    expect(methods.sort()).toEqual(Object.keys(operations).sort())
  })

  for (const [name, known] of Object.entries(operations))
    if (known)
      it(`The call ${known[0]} leaves an allowed audit entry of the application: ${name}.`, async () => {
        const records = async () => {
          await troupe.audit.flush()
          return (await troupe.audit.list({ user: 'ada', operation: known[0], limit: 1_000 })).items
        }
        const before = (await records()).length
        await known[1]()
        const after = await records()
        expect(after.length).toBeGreaterThan(before)
        expect(after.filter(({ actor, allowed, key }) => actor !== 'host' || !allowed || key !== undefined)).toEqual([])
      })

  it('The plan of an undo leaves a record of a read, and none of an undo.', async () => {
    const { id } = await runOf('Echo')
    await ada().orchestra.undo(id, { plan: true })
    await troupe.audit.flush()
    const { items } = await troupe.audit.list({ user: 'ada', resource: id })
    expect(items.map(({ operation }) => operation)).toContain('read.run')
    expect(items.map(({ operation }) => operation)).not.toContain('run.undo')
  })
})
