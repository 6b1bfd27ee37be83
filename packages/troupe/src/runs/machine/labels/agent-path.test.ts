import { describe, expect, it } from 'vitest'
import type { Event } from '../machine-events.ts'
import { fan, leaf, team } from '../machine-teams.test.fixture.ts'
import { finish, MachineTestbed, value, valuesIn } from '../machine-testbed.test.fixture.ts'
import { pathOf, pathSetBy, pathsOf as pathsOfEvents } from './agent-path.ts'

/** Paths of the events of a type: what reads the journal folds the same as the machine. */
function pathsOf(testbed: MachineTestbed, type: Event['type']): string[] {
  const paths = pathsOfEvents(testbed.events)
  expect(testbed.paths).toEqual(paths)
  return testbed.events.flatMap((event, i) => (event.type === type ? [paths[i]?.join('/') ?? ''] : []))
}

describe('the agent path', () => {
  it('The agent path of an invoked agent is below its caller, and the join returns to the caller.', () => {
    const flows = ['Start -> A', 'A <-> B', 'B <-> C', 'A -> End']
    const testbed = new MachineTestbed(team('A B C', flows), { A: fan('B'), B: fan('C'), C: leaf(1) }).runUntilIdle()
    expect(pathsOf(testbed, 'step.started')).toEqual(['A', 'A/B', 'A/B/C', 'A/B', 'A'])
    expect(pathsOf(testbed, 'run.completed')).toEqual([''])
  })

  it('The agent path of a step along an edge or at a join replaces the agent before it.', () => {
    const flows = ['Start -> A', 'A => {B, C}', 'B -> D', 'C -> D', 'D -> E', 'E -> End']
    const stubs = { A: leaf(1), B: leaf(2), C: leaf(3), D: (i: never) => value(valuesIn(i)), E: leaf(5) }
    const testbed = new MachineTestbed(team('A B C D E', flows), stubs as never).runUntilIdle()
    expect(pathsOf(testbed, 'step.started')).toEqual(['A', 'B', 'C', 'D', 'E'])
  })

  it('The agent path of a request is below the asking agent, for nested requests too.', () => {
    const request = (to: string) => () => ({ request: { to, payload: 1 }, next: () => finish(1) })
    const flows = ['Start -> A', 'A -> End', 'A -> B', 'A -> C', 'B -> End', 'C -> End']
    const testbed = new MachineTestbed(team('A B C', flows), {
      A: request('B'),
      B: request('C'),
      C: leaf(1),
    }).runUntilIdle()
    expect(pathsOf(testbed, 'step.completed')).toEqual(['A/B/C', 'A/B', 'A'])
    expect(pathsOf(testbed, 'answer.delivered')).toEqual(['A/B', 'A'])
  })

  it('The agent path of a question and its answer is that of the asking agent, with a helper below its agent.', () => {
    const form = team('A', ['Start -> A', 'A -> End'])
    const asks = () => ({ ask: { kind: 'question' as const, text: '?' }, next: () => finish(1) })
    const testbed = new MachineTestbed(form, { A: asks }).runUntilIdle()
    testbed.answer('1#1?w1', 'yes')
    testbed.runUntilIdle()
    expect([pathsOf(testbed, 'question.asked'), pathsOf(testbed, 'question.answered')]).toEqual([['A'], ['A']])
    expect(testbed.of('question.answered')).toMatchObject([{ branch: '1', step: '1#1', agent: 'A' }])
    const helped = new MachineTestbed(form, { A: leaf(1, 50) })
    const question = { kind: 'question' as const, text: '?' }
    helped.apply({ at: helped.now, type: 'question.asked', step: '1#1', wait: 'w', question, agent: 'Helper' })
    helped.runUntilIdle()
    expect(pathsOf(helped, 'question.asked')).toEqual(['A/Helper'])
    expect(pathsOf(helped, 'question.withdrawn')).toEqual(['A/Helper'])
  })

  it('The agent path is empty if earlier events are not stored.', () => {
    const event = { type: 'branch.started', branch: '1/1.1', parent: '1', group: 'run', agent: 'B' } as never
    expect(pathSetBy(new Map(), event)).toEqual(['1/1.1', ['B']])
    expect(pathOf(new Map(), { type: 'step.completed', step: '1#1', branch: '1' } as never)).toEqual([])
  })
})
