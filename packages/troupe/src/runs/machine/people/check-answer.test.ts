import { expect, it } from 'vitest'
import type { Outcome } from '../../../agents/index.ts'
import { team } from '../machine-teams.test.fixture.ts'
import { type AgentStub, finish, handOff, MachineTestbed, type Play, value } from '../machine-testbed.test.fixture.ts'
import { outcomeProblem } from './check-answer.ts'

const outcomeOf = (play: Play) => ('outcome' in play ? play.outcome : undefined) as Outcome
const hour = 3_600_000
const flows = ['Start -> A', 'A -> End', 'A <-> B', 'B -> End']

it('The outcome of an edit is checked against the edges of its agent.', () => {
  const { state } = new MachineTestbed(team('A B', flows), { A: () => value('late', hour) }).run(1_001)
  expect(outcomeProblem(state, '1#1', outcomeOf(handOff('B', 1)))).toBeUndefined()
  expect(outcomeProblem(state, '1#1', outcomeOf(handOff('C', 1)))).toMatch(
    /^the result of the step 1#1 is not possible: it cannot hand off to C; A may /,
  )
  expect(outcomeProblem(state, '1#9', outcomeOf(handOff('C', 1)))).toBeUndefined()
})

it('The outcome of an edit of a step that serves a request is a plain value.', () => {
  const ask: AgentStub = () => ({ request: { to: 'B', payload: 1 }, next: () => finish('end') })
  const { state } = new MachineTestbed(team('A B', flows), { A: ask, B: () => value('late', hour) }).run(1_001)
  const step = [...state.steps.open.values()].find(({ serve }) => serve)?.id as string
  expect(outcomeProblem(state, step, outcomeOf(value(1)))).toBeUndefined()
  expect(outcomeProblem(state, step, outcomeOf(finish(1)))).toBeUndefined()
  expect(outcomeProblem(state, step, outcomeOf(handOff('A', 1)))).toBe(
    `the step ${step} answers a request, so its result must be a plain value`,
  )
})
