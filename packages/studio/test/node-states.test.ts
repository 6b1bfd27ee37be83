/** The states of the nodes of a team, from the steps of a run. */
import { expect, it } from 'vitest'
import type { RunEvent } from '../src/api/shapes.ts'
import { fold, nothingYet, type Step, type StepState, statesOfNodes } from '../src/run-state.ts'

const stateOf = (steps: readonly (readonly [node: string, branch: string, state: StepState])[], stoppedNode?: string) =>
  statesOfNodes({
    ...nothingYet,
    stoppedNode,
    steps: new Map(
      steps.map(([node, branch, state], i) => [
        `${i}`,
        { ...({} as Step), id: `${i}`, node, branch, state, waits: [], began: i },
      ]),
    ),
  })

it('A node counts its branches by state, so that failures among many are seen while others work.', () => {
  const states = stateOf([
    ['A', '1', 'failed'],
    ['B', '2', 'done'],
    ['B', '3', 'failed'],
    ['B', '4', 'working'],
    ['B', '5', 'done'],
    // The second attempt of the first branch.
    ['A', '1', 'done'],
  ])
  expect(states.get('A')).toEqual({ state: 'done', branches: new Map([['done', 1]]) })
  expect([...(states.get('B')?.branches ?? [])]).toEqual([
    ['working', 1],
    ['failed', 1],
    ['done', 2],
  ])
  expect(states.get('B')?.state).toBe('working')
})

it('A node at a breakpoint waits.', () => {
  expect(stateOf([['A', '1', 'done']], 'A').get('A')).toEqual({ state: 'waiting', branches: new Map() })
  expect(stateOf([['A', '1', 'working']], 'A').get('A')?.state).toBe('working')
})

it('A step that was cancelled because another one failed is stopped, and the other one failed.', () => {
  const event = (type: string, step: string, seq: number, code?: string): RunEvent => ({
    ...({} as RunEvent),
    ...{ type, step, seq, at: seq, branch: step, path: [] },
    ...(code === undefined ? {} : { error: { name: 'Error', code, message: 'no', retryable: false } }),
  })
  const { steps } = fold(nothingYet, [
    event('step.started', 'a', 1),
    event('step.started', 'b', 2),
    event('step.failed', 'a', 3, 'agent.failed'),
    event('step.cancel-requested', 'b', 4),
    event('step.failed', 'b', 5, 'cancelled'),
  ])
  expect([...steps.values()].map(({ state }) => state)).toEqual(['failed', 'stopped'])
})
