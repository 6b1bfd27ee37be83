import { expect, it } from 'vitest'
import type { Input } from './machine-events.ts'
import { fan, slow, team } from './machine-teams.test.fixture.ts'
import { type AgentStub, MachineTestbed, value } from './machine-testbed.test.fixture.ts'
import { viewOf } from './state-view.ts'

const form = team('A B C', ['Start -> A', 'A <-> B', 'A <-> C', 'A -> End'])
const asks: AgentStub = () => ({ ask: { kind: 'question', text: 'which?' }, next: () => value('asked') })
const config = { timeouts: { step: '1h', human: '1h' } } as const

it('A view of a state shows what a run has and waits for, and changes with it.', () => {
  const testbed = new MachineTestbed(form, { A: fan('B', 'C'), B: slow(), C: asks }, config)
  const view = viewOf(testbed.state)
  expect(view.seq).toBe(testbed.events.length)
  testbed.run(2_000)
  expect(view.seq).toBe(testbed.events.length)
  const { pinned, task, startedAt, isPaused, breakpoint, totalSteps, hops, granted, externalSteps } = view
  expect({ pinned, task, startedAt, isPaused, breakpoint, totalSteps, hops, granted, externalSteps }).toEqual({
    pinned: testbed.pinned,
    task: 'go',
    startedAt: 1_000,
    isPaused: false,
    breakpoint: undefined,
    totalSteps: 3,
    hops: 2,
    granted: undefined,
    externalSteps: 0,
  })
  expect([...view.branches()].map(({ id, node }) => [id, view.agentAt(node)])).toEqual([
    ['1', 'A'],
    ['1/1.1', 'B'],
    ['1/1.2', 'C'],
  ])
  expect(view.branch('1')?.status).toBe('waiting')
  expect([...view.joins()].map(({ id }) => id)).toEqual(['1#1'])
  expect([...view.steps()].map(({ id }) => id)).toEqual(['1/1.1#1', '1/1.2#1'])
  expect(view.execution('1/1.1#1')).toMatchObject({ type: 'step.execute', step: '1/1.1#1', agent: 'B' })
  expect(view.execution('1#1')).toBeUndefined()
})

it('A view of a state knows open questions, what a step has asked, and the timers that run.', () => {
  const testbed = new MachineTestbed(form, { A: fan('B', 'C'), B: slow(), C: asks }, config).run(2_000)
  const view = viewOf(testbed.state)
  expect([view.executingSteps, view.isAsking]).toEqual([1, true])
  const [question] = view.questions()
  const { id = '', step = '' } = question ?? {}
  expect(view.question(id)).toBe(question)
  expect(view.hasAsked(step, id)).toBe(true)
  expect(view.runningTimers()).toEqual(['time', 'step:1/1.1#1'])
  expect(view.timerDue('step:1/1.1#1')).toBe(1_000 + 3_600_000)
  expect(view.timerDue('step:1/1.2#1')).toBeUndefined()
  testbed.apply({ at: 2_000, type: 'question.answered', question: id, value: 'this', by: 'ada' } as Input)
  expect([...view.questions(), view.question(id), view.isAsking]).toEqual([undefined, false])
  expect(view.hasAsked(step, id)).toBe(true)
  expect(view.hasAsked('1#1', id)).toBe(false)
})

it('A view of a state asks nothing after a cancel.', () => {
  const testbed = new MachineTestbed(form, { A: fan('B', 'C'), B: slow(), C: asks }, config).run(2_000)
  const view = viewOf(testbed.state)
  testbed.apply({ at: 2_000, type: 'cancel', by: 'ada' })
  expect([[...view.questions()].length, view.isAsking]).toEqual([0, false])
})
