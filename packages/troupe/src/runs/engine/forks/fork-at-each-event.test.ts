import { expect, it } from 'vitest'
import {
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  handOff,
  invoke,
  type Run,
  type RunEvent,
  Worker,
} from '../../../index.ts'

/** Every event with TROUPE_FORKS=all; else one of so many. */
const every = process.env.TROUPE_FORKS === 'all' ? 1 : 7

/** A line of hand-offs, a fan-out, and a failure that is tried again, 39 steps in all. */
function team() {
  let failures = 1
  const walk = (name: string, other: string) =>
    defineAgent({
      name,
      run: async (n: number, ctx) => {
        await ctx.effect('walk', { class: 'at-most-once' }, () => n)
        return n < 30 ? handOff(other, n + 1) : handOff('Lead', n)
      },
    })
  const spoke = (name: string) =>
    defineAgent({
      name,
      run: async () => {
        if (name === 'C' && failures-- > 0) throw new Error('not yet')
        return name
      },
    })
  const lead = defineAgent({
    name: 'Lead',
    run: async (input: { results?: readonly { value: string }[] }) =>
      input.results
        ? finish(input.results.map(({ value }) => value))
        : invoke(['A', 'B', 'C', 'D', 'E', 'F'].map((agent) => ({ agent, input: 1 }))),
  })
  const names = ['A', 'B', 'C', 'D', 'E', 'F']
  return {
    agents: [walk('Left', 'Right'), walk('Right', 'Left'), lead, ...names.map(spoke)],
    flows: [
      'Start -> Left',
      'Left <-> Right',
      'Left -> Lead',
      'Right -> Lead',
      ...names.map((name) => `Lead <-> ${name}`),
      'Lead -> End',
    ],
  }
}

const eventsOf = async (run: Run): Promise<RunEvent[]> => {
  const events: RunEvent[] = []
  for await (const event of run.events()) events.push(event)
  return events
}

it('A fork at any event of a run of 40 steps completes with the response of the run.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const config = {
    guards: { pingPong: false, noProgress: false },
    onError: { '*': { retry: { attempts: 2, backoff: '1ms' } } },
  } as const
  const run = await orchestra.start({ task: 1, topology: team(), config })
  const { response, totalSteps } = await run.result()
  expect([response, totalSteps]).toEqual([['A', 'B', 'C', 'D', 'E', 'F'], 39])
  const { length } = await eventsOf(run)
  expect(length).toBeGreaterThan(100)
  const positions = Array.from({ length }, (_, i) => i + 1).filter((seq) => seq % every === 0 || seq === length)
  for (const at of positions) {
    const fork = await orchestra.fork(run.id, { at, repeat: true })
    expect(await fork.result(), `forked at ${at}`).toMatchObject({ status: 'completed', response })
    expect(await orchestra.verifyReplay(fork.id), `forked at ${at}`).toMatchObject({ identical: true })
  }
})

it('A fork at any event repeats requests that were unanswered then, to agents of the team and to workers outside it.', async () => {
  const Question = defineMessage<string, string>('question')
  const oracle = defineAgent({ name: 'Oracle', run: async () => 'unused', serve: async () => 'within' })
  const asker = defineAgent({
    name: 'Asker',
    run: async (task: string, ctx) => {
      const within = await ctx.request(Question, task, { to: 'Oracle', timeout: '3s' })
      return `${within}, ${await ctx.request(Question, task, { to: 'Clerk', timeout: '3s' })}`
    },
  })
  const [asked, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const clerk = new Worker('Clerk')
  clerk.on(Question, async () => {
    asked.resolve()
    await free.promise
    return 'outside'
  })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  await ada.start(clerk)
  const flows = ['Start -> Asker', 'Asker -> Oracle', 'Asker -> End']
  const topology = { agents: [asker, oracle], flows, edges: { 'Asker -> Oracle': { type: 'query' } } } as const
  const run = await ada.orchestra.start({ task: 'x', topology })
  await asked.promise
  let replied = 0
  for await (const { seq, type } of run.events()) {
    replied = seq
    if (type === 'answer.delivered') break
  }
  const early = await ada.orchestra.fork(run.id, { at: replied })
  free.resolve()
  const expected = { status: 'completed', response: 'within, outside', totalSteps: 2 }
  expect([await run.result(), await early.result()]).toMatchObject([expected, expected])
  for (const { seq, type } of await eventsOf(run)) {
    const fork = await ada.orchestra.fork(run.id, { at: seq })
    expect(await fork.result(), `forked at ${seq}, ${type}`).toMatchObject(expected)
  }
})

it('A fork at any event repeats the child runs that had not ended then, and no other one that started with them.', async () => {
  const executed: string[] = []
  const ended = Promise.withResolvers<void>()
  const leaf = defineAgent({
    name: 'Leaf',
    run: async (task: string) => {
      executed.push(task)
      if (task === 'slow') await ended.promise
      return task
    },
  })
  const lead = defineAgent({
    name: 'Lead',
    run: async (tasks: readonly string[], ctx) =>
      Promise.all(
        tasks.map(async (task) => (await (await ctx.startRun({ task, agent: leaf })).result()).response ?? null),
      ),
  })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({ task: ['quick', 'slow'], agent: lead })
  for await (const { type } of run.events()) if (type === 'run.charged') ended.resolve()
  const expected = { status: 'completed', response: ['quick', 'slow'] }
  expect(await run.result()).toMatchObject(expected)
  const events = await eventsOf(run)
  const charged = events.flatMap(({ seq, type }) => (type === 'run.charged' ? [seq] : []))
  for (const { seq, type } of events) {
    executed.length = 0
    const fork = await orchestra.fork(run.id, { at: seq })
    expect(await fork.result(), `forked at ${seq}, ${type}`).toMatchObject(expected)
    expect(executed, `forked at ${seq}, ${type}`).toEqual(
      ['quick', 'slow'].slice(charged.filter((end) => end <= seq).length),
    )
  }
})
