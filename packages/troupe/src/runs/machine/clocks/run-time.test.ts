import { expect, it } from 'vitest'
import type { Outcome } from '../../../agents/index.ts'
import type { Input } from '../machine-events.ts'
import { fan, slow, team } from '../machine-teams.test.fixture.ts'
import { MachineTestbed } from '../machine-testbed.test.fixture.ts'
import { pending } from '../pending.ts'
import { loadState, saveState } from '../save-state.ts'
import { transition, transitionInParts } from '../transition.ts'
import { overdueLimit } from './run-time.ts'

const hour = 3_600_000
const names = Array.from({ length: 50 }, () => 'B')
const wide = () => {
  const form = team('A B', ['Start -> A', 'A <-> B', 'A -> End'])
  const config = { timeouts: { branch: '1m' }, budget: { time: '2m' }, maxParallelBranches: 50 } as const
  return new MachineTestbed(form, { A: fan(...names), B: slow(30_000) }, config).run(2_000)
}
const rowsOf = (testbed: MachineTestbed, type: 'timer.set' | 'timer.clear', input: object) =>
  transition(testbed.state, { at: testbed.now, by: 'ada', ...input } as never).commands.filter(
    (command) => command.type === type,
  )

it('A pause of a run with many timers is one event, and so is its resume.', () => {
  const testbed = wide()
  expect(testbed.apply({ at: 2_000, type: 'pause', by: 'ada' }).map(({ type }) => type)).toEqual(['run.paused'])
  testbed.now = 2_000 + hour
  expect(testbed.remainingMs('time')).toBe(119_000)
  const resumed = testbed.apply({ at: testbed.now, type: 'resume', by: 'ada' })
  expect(resumed.map(({ type }) => type)).toEqual(['run.resumed'])
  expect([testbed.remainingMs('time'), testbed.remainingMs('branch:1/1.7')]).toEqual([119_000, 59_000])
})

it('A pause clears the row of each timer that counts work time, and a resume sets it.', () => {
  const testbed = wide()
  expect(rowsOf(testbed, 'timer.clear', { type: 'pause' })).toHaveLength(51)
  const timers = () => [...pending(testbed.state)].filter(({ type }) => type === 'timer.set')
  expect(timers()).toEqual([])
  expect(rowsOf(testbed, 'timer.set', { type: 'resume' })).toEqual(timers())
  expect(timers()).toHaveLength(51)
})

it('A step that executes when its run is paused is still ended by its timeout.', () => {
  const testbed = new MachineTestbed(
    team('A', ['Start -> A', 'A -> End']),
    { A: slow(hour) },
    {
      timeouts: { step: '8s' },
      budget: { time: '2m' },
    },
  ).run(2_000)
  testbed.apply({ at: 2_000, type: 'pause', by: 'ada' })
  testbed.now = 2_000
  testbed.run(10_000)
  expect(testbed.of('step.cancel-requested')).toMatchObject([{ at: 9_000, cancellation: { as: 'failed' } }])
})

it('A decision that sets the clocks of many branches sets them in parts.', () => {
  const { state } = new MachineTestbed(
    team('A B', ['Start -> A', 'A <-> B', 'A -> End']),
    { A: slow(1_000), B: slow(1_000) },
    { timeouts: { branch: '1m' }, maxParallelBranches: 50 },
  ).run(500)
  const [step] = state.steps.open.keys()
  const { outcome } = fan(...names)('t', {} as never, 0) as { readonly outcome: Outcome }
  const counts = new Set<number>()
  for (const _ of transitionInParts(state, { at: 1_000, type: 'step.returned', step, outcome } as Input))
    counts.add(state.clocks.timers.size)
  expect(counts.size).toBeGreaterThan(50)
})

it('A timer that comes while its clock is stopped changes nothing.', () => {
  const testbed = wide()
  testbed.apply({ at: 2_000, type: 'pause', by: 'ada' })
  expect(testbed.apply({ at: 2_000 + hour, type: 'timer', name: 'time' })).toEqual([])
})

it('A time without a process during a pause is counted once, also after a snapshot.', () => {
  const testbed = wide()
  testbed.apply({ at: 2_000, type: 'pause', by: 'ada' })
  testbed.now = 2_000
  testbed.down(hour)
  testbed.state = loadState(saveState(testbed.state))
  testbed.now += hour
  testbed.apply({ at: testbed.now, type: 'resume', by: 'ada' })
  expect(testbed.remainingMs('time')).toBe(119_000)
  testbed.now += 1_000
  expect(testbed.remainingMs('time')).toBe(118_000)
})

it('A time limit of the whole run is overdue from its end on, unless the run is paused or ends already.', () => {
  const limited = (config: object) =>
    new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: slow(hour) }, config).run(2_000)
  const time = limited({ budget: { time: '1m' }, timeouts: { run: '2m' } })
  expect([60_999, 61_000].map((at) => overdueLimit(time.state, at))).toEqual([undefined, 'time'])
  expect(overdueLimit(limited({ timeouts: { run: '1m' } }).state, 61_000)).toBe('run')
  expect(overdueLimit(limited({ budget: { time: '1m' }, timeouts: { run: '1m' } }).state, hour)).toBe('run')
  time.apply({ at: 2_000, type: 'pause', by: 'ada' })
  expect(overdueLimit(time.state, hour)).toBeUndefined()
  time.apply({ at: 3_000, type: 'cancel', by: 'ada' })
  expect(overdueLimit(time.state, hour)).toBeUndefined()
  const guarded = limited({ budget: { time: '1m' } })
  guarded.run(61_000)
  expect(guarded.state.run.guard).toBeDefined()
  expect(overdueLimit(guarded.state, hour)).toBeUndefined()
})
