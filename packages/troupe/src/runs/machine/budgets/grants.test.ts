import { expect, it } from 'vitest'
import type { Input } from '../machine-events.ts'
import { fan, leaf, team } from '../machine-teams.test.fixture.ts'
import { MachineTestbed, value } from '../machine-testbed.test.fixture.ts'
import { pending } from '../pending.ts'
import { loadState, saveState } from '../save-state.ts'
import { createState } from '../state.ts'
import { nextRequest, passLeft, requestQueue } from '../steps/step-queue.ts'
import { transition } from '../transition.ts'

const grant = (testbed: MachineTestbed, steps: number, hops: number, branches: number) =>
  testbed.apply({ at: testbed.now, type: 'budget.granted', steps, hops, branches }).map(({ type }) => type)
const flows = ['Start -> Lead', 'Lead <-> A', 'Lead <-> B', 'Lead -> End']
/** Its first step runs, and it draws from now on. */
const drawing = (stubs = {}) => {
  const testbed = new MachineTestbed(team('Lead A B', flows), {
    Lead: fan('A', 'B'),
    A: leaf('a'),
    B: leaf('b'),
    ...stubs,
  })
  grant(testbed, 0, 0, 0)
  while (testbed.next() && !testbed.state.budgets.draw);
  return testbed
}

it('A run that draws from a common budget starts a step once it was granted all that the step uses.', () => {
  const testbed = drawing()
  expect(testbed.of('budget.requested')).toMatchObject([{ steps: 1, hops: 2, branches: 2 }])
  expect(testbed.result).toMatchObject({ status: 'running', totalSteps: 1 })
  const draws = [...pending(testbed.state)].filter(({ type }) => type === 'budget.draw')
  expect(draws).toMatchObject([{ steps: 1, hops: 2, branches: 2 }])
  expect(loadState(saveState(testbed.state))).toMatchObject({
    budgets: { draw: { steps: 1 }, granted: { steps: 1, branches: 1 } },
  })
  expect(grant(testbed, 1, 2, 2)).toEqual(['budget.granted', 'step.started', 'budget.requested'])
  expect(testbed.state.budgets.draw).toMatchObject({ steps: 1, hops: 0, branches: 0 })
  grant(testbed, 9, 9, 9)
  while (testbed.next());
  expect(testbed.result).toMatchObject({ status: 'completed', response: ['a', 'b'] })
})

it('A run that draws from a common budget at its start starts no step before its first grant.', () => {
  const { pinned } = drawing()
  const { events } = transition(createState(), { at: 1, type: 'start', task: 1, pinned: { ...pinned, draws: true } })
  expect(events.map(({ type }) => type)).toEqual(['run.started', 'branch.started', 'budget.requested', 'timer.set'])
  expect(events[2]).toMatchObject({ steps: 1, hops: 0, branches: 1 })
  const state = createState()
  const apply = (input: Input) => transition(state, input).events.map(({ type }) => type)
  apply({ at: 1, type: 'start', task: 1, pinned: { ...pinned, draws: true } })
  // It has asked already.
  const usage = { inputTokens: 0, outputTokens: 0 }
  expect(apply({ at: 2, type: 'run.charged', run: 'r', steps: 3, hops: 2, usage })).toEqual(['run.charged'])
  const granted = apply({ at: 3, type: 'budget.granted', steps: 1, hops: 0, branches: 1 })
  expect(granted).toEqual(['budget.granted', 'step.started'])
  expect(state.budgets.granted).toEqual({ steps: 1, hops: 0, branches: 1 })
})

it('A step that serves a request needs a grant too.', () => {
  const asks = () => ({ request: { to: 'B', payload: 1 }, next: () => value('asked') })
  const testbed = drawing({ A: asks })
  grant(testbed, 2, 2, 2)
  while (testbed.next() && !testbed.state.budgets.draw);
  expect(testbed.state.budgets.draw).toMatchObject({ steps: 1, hops: 0, branches: 0 })
  const ready = [...testbed.state.steps.open.values()].find(({ serve, status }) => serve && status === 'ready')
  expect(nextRequest(testbed.state)).toBe(ready?.id)
  testbed.state.steps.open.delete(ready?.id ?? '')
  passLeft(testbed.state, requestQueue)
  expect(nextRequest(testbed.state)).toBeUndefined()
})

it('A rejected grant trips the guard, and the result names what is reserved and by which runs.', () => {
  const rejected = { at: 2_000, type: 'budget.rejected', budget: 'hops', limit: 9 } as const
  const testbed = drawing()
  testbed.apply({ ...rejected, used: 4, held: 5, by: [{ run: 'r', held: 5 }] })
  testbed.apply({ at: testbed.now, type: 'children.cancelled' })
  expect(testbed.result).toMatchObject({
    status: 'failed',
    guard: { name: 'hops', limit: 9, used: 4 },
    error: { message: expect.stringContaining('at 4 of 9, 5 held by r (5)') },
  })
  const other = drawing()
  other.apply(rejected)
  expect(other.result.guard).toEqual({ name: 'hops', limit: 9, used: 9 })
})

it('A run that may have child runs ends with a failure only once they are over.', () => {
  const testbed = drawing()
  testbed.apply({ at: testbed.now, type: 'cancel', by: 'ada' })
  const cancels = [...pending(testbed.state)].filter(({ type }) => type === 'children.cancel')
  expect([testbed.result.status, cancels.length]).toEqual(['running', 1])
  expect(testbed.apply({ at: testbed.now, type: 'children.cancelled' }).map(({ type }) => type)).toEqual([
    'children.cancelled',
    'run.cancelled',
  ])
})

it('A run that is not being cancelled takes no notice that its child runs are over.', () => {
  expect(drawing().apply({ at: 2_000, type: 'children.cancelled' })).toEqual([])
})
