import { expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, handOff, invoke, type Run, type RunEvent } from '../index.ts'

/** Every event with TROUPE_FORKS=all; else one of so many. */
const every = process.env.TROUPE_FORKS === 'all' ? 1 : 7

/** A line of hand-offs, a fan-out, a failure that is tried again, and a request, 40 steps in all. */
function team() {
  let failures = 1
  const walk = (name: string, other: string) =>
    defineAgent({
      name,
      run: async (n: number, ctx) => {
        await ctx.effect('walk', { class: 'once' }, () => n)
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

it('a fork at any event of a run of 40 steps ends as the run did', async () => {
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
  const places = Array.from({ length }, (_, i) => i + 1).filter((seq) => seq % every === 0 || seq === length)
  for (const at of places) {
    const fork = await orchestra.fork(run.id, { at })
    expect(await fork.result(), `forked at ${at}`).toMatchObject({ status: 'completed', response })
    expect(await orchestra.replay(fork.id), `forked at ${at}`).toMatchObject({ identical: true })
  }
}, 120_000)
