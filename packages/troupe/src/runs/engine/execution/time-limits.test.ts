/** The time limits of a run hold inside long decisions, and before a long backlog of inputs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createSlicedClock } from '../../../core/time/sliced-clock.test.fixture.ts'
import { defineAgent, finish, invoke, type RunConfig } from '../../../index.ts'
import { eventsOf, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()
const width = 500

const limits: readonly (readonly [string, RunConfig])[] = [
  ['budget.time', { budget: { time: '5s' } }],
  ['timeouts.run', { timeouts: { run: '5s' } }],
]

it.each(limits)(
  'A run whose %s is over during a long decision ends before the rest of the decision.',
  async (_, config) => {
    const sliced = createSlicedClock()
    const { orchestra } = await ada({ clock: sliced.clock })
    const hub = defineAgent({
      name: 'Hub',
      run: () => {
        setImmediate(() => {
          sliced.aheadMs = 6_000
        })
        return invoke(Array.from({ length: width }, (_, input) => ({ agent: 'Spoke', input })))
      },
    })
    const spoke = defineAgent({ name: 'Spoke', run: (input) => input as never })
    const flows = ['Start -> Hub', 'Hub <-> Spoke', 'Hub -> End']
    const run = await orchestra.start({ task: 't', topology: { agents: [hub, spoke], flows }, config })
    expect(await run.result()).toMatchObject({ status: 'failed' })
    const events = await eventsOf(run)
    expect(events.filter(({ type }) => type === 'branch.started')).toHaveLength(1)
    expect(events.map(({ type }) => type)).toContain('run.cancel-requested')
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  },
)

it('A run whose time is over while the ends of hundreds of steps wait ends before it accepts them.', async () => {
  const sliced = createSlicedClock()
  const { orchestra } = await ada({ clock: sliced.clock })
  const released = Promise.withResolvers<void>()
  let working = 0
  const hub = defineAgent({
    name: 'Hub',
    run: (input) =>
      input === 't'
        ? invoke(Array.from({ length: width }, (_, i) => ({ agent: 'Spoke', input: i })))
        : finish('all have arrived'),
  })
  const spoke = defineAgent({
    name: 'Spoke',
    run: async (input) => {
      working++
      await released.promise
      return input as never
    },
  })
  const flows = ['Start -> Hub', 'Hub <-> Spoke', 'Hub -> End']
  const config: RunConfig = { maxParallelBranches: width, budget: { time: '30s' } }
  const run = await orchestra.start({ task: 't', topology: { agents: [hub, spoke], flows }, config })
  while (working < width) await sleep(20)
  // Each step is shorter than what the process takes for a suspension.
  for (let steps = 0; steps < 4; steps++) {
    sliced.aheadMs += 8_000
    await sleep(1_200)
  }
  released.resolve()
  const { status, guard } = await run.result()
  expect([status, guard?.name]).toEqual(['failed', 'time'])
  const events = await eventsOf(run)
  expect(events.filter(({ type }) => type === 'step.completed').length).toBeLessThan(width / 5)
  expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
})
