/** Events that no transition leads to: each fold rejects what does not fit the status of its record. */
import { describe, expect, it } from 'vitest'
import { failure, storeError } from '../../core/index.ts'
import { evolve } from './evolve.ts'
import type { Event } from './machine-events.ts'
import { fan, leaf, slow, team } from './machine-teams.test.fixture.ts'
import { type AgentStub, MachineTestbed, value } from './machine-testbed.test.fixture.ts'

const error = storeError(failure('agent.failed', { agent: 'A', error: 'no' }))
const form = team('A B', ['Start -> A', 'A <-> B', 'A -> End'])
const asks: AgentStub = () => ({ ask: { kind: 'question', text: 'which?' }, next: () => value('asked') })
const at = 5_000
const of = { branch: '1', agent: 'A' }
const step = { ...of, step: '1#1', node: 'A' }

/** Teams at rest, by the status of the record that an event is about. */
const records = {
  'a running step': () => resting({ A: slow() }),
  'a waiting step': () => resting({ A: asks }),
  'a branch that waits for its join': () => resting({ A: fan('B'), B: slow() }),
  'a branch that has ended': () => resting({ A: leaf(1) }),
}

function resting(stubs: Record<string, AgentStub>): MachineTestbed {
  const testbed = new MachineTestbed(form, stubs)
  for (let i = 0; i < 4 && testbed.state.run.status === 'running'; i++) testbed.run(testbed.now + 10)
  return testbed
}

const rejected: readonly (readonly [keyof typeof records, Event])[] = [
  ['a running step', { at, type: 'branch.completed', ...of, as: 'ended', value: 1 }],
  ['a running step', { at, type: 'branch.failed', ...of, error }],
  ['a running step', { at, type: 'branch.cancelled', ...of, error }],
  ['a running step', { at, type: 'step.started', ...step, step: '1#2', attempt: 1 }],
  ['a running step', { at, type: 'question.answered', ...of, question: '1#1?none', value: 1, by: 'ada' }],
  ['a running step', { at, type: 'join.closed', joinId: 'none' }],
  ['a waiting step', { at, type: 'step.started', ...step, attempt: 1 }],
  ['a waiting step', { at, type: 'branch.completed', ...of, as: 'ended', value: 1 }],
  ['a branch that waits for its join', { at, type: 'step.started', ...step, step: '1#2', attempt: 1 }],
  ['a branch that waits for its join', { at, type: 'step.completed', ...step, outcome: { kind: 'value', value: 1 } }],
  ['a branch that has ended', { at, type: 'branch.moved', ...of, node: 'A' }],
  ['a branch that has ended', { at, type: 'branch.completed', ...of, as: 'ended', value: 1 }],
  ['a branch that has ended', { at, type: 'step.failed', ...step, error }],
  ['a branch that has ended', { at, type: 'run.completed', value: 1 }],
  ['a branch that has ended', { at, type: 'run.failed', error }],
]

describe('A fold', () => {
  it.each(rejected)('A fold rejects an event that does not fit %s: %o.', (record, event) => {
    const { state } = records[record]()
    expect(() => evolve(state, event)).toThrow(expect.objectContaining({ code: 'invariant.broken' }))
  })

  it('A fold rejects a second completion of the same join.', () => {
    const { state, events } = records['a branch that waits for its join']()
    const opened = events.find((event) => event.type === 'join.opened')
    const { joinId = '' } = opened?.type === 'join.opened' ? opened : {}
    const completed: Event = { ...of, at, type: 'join.completed', joinId, satisfied: true, arrived: 1, missing: 0 }
    evolve(state, completed)
    expect(() => evolve(state, completed)).toThrow(expect.objectContaining({ code: 'invariant.broken' }))
  })

  it('A fold removes a closed question, and its step remembers that it asked.', () => {
    const testbed = resting({ A: asks })
    const [id = ''] = testbed.state.questions.open.keys()
    expect(testbed.state.steps.open.get('1#1')?.questions).toEqual({ [id]: 'open' })
    evolve(testbed.state, { ...of, at, type: 'question.expired', question: id, step: '1#1' })
    expect(testbed.state.questions.open.size).toBe(0)
    expect(testbed.state.steps.open.get('1#1')?.questions).toEqual({ [id]: 'expired' })
    const [, wait = ''] = id.split('?')
    const question = { kind: 'question', text: 'which?' } as const
    const repeated = testbed.apply({ at, type: 'question.asked', step: '1#1', wait, question })
    expect(repeated.map(({ type }) => type)).not.toContain('question.asked')
  })
})
