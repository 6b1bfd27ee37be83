import { describe, expect, it } from 'vitest'
import type { RunConfig } from '../../../topology/canonical/run-config.ts'
import type { Input } from '../machine-events.ts'
import { fan, leaf, slow, team } from '../machine-teams.test.fixture.ts'
import { type AgentStub, finish, MachineTestbed } from '../machine-testbed.test.fixture.ts'
import { createState } from '../state.ts'
import { transition } from '../transition.ts'

const asks =
  (text: string): AgentStub =>
  () => ({ ask: { kind: 'question', text }, next: (answer) => finish(`answered ${String(answer)}`) })
const lone = (stub: AgentStub, config: RunConfig = {}) =>
  new MachineTestbed(team('A', ['Start -> A', 'A -> User', 'User -> A', 'A -> End']), { A: stub }, config)
const leadOfTwo = (first: AgentStub, second: AgentStub) =>
  new MachineTestbed(team('Lead A B', ['Start -> Lead', 'Lead <-> A', 'Lead <-> B', 'Lead -> End']), {
    Lead: fan('A', 'B'),
    A: first,
    B: second,
  })
const submit = (testbed: MachineTestbed, input: Record<string, unknown>) =>
  testbed.apply({ at: testbed.now, by: 'ada', ...input } as unknown as Input)
const waits = (testbed: MachineTestbed) =>
  testbed.of('run.waiting').map(({ reason, questions }) => [reason, ...questions])

describe('run.waiting', () => {
  it('The core emits run.waiting with the open question when the only step asks a person.', () => {
    const testbed = lone(asks('Which?')).runUntilIdle()
    const [question] = testbed.result.questions
    expect(waits(testbed)).toEqual([['question', question?.id]])
    expect(testbed.events.at(-1)).toMatchObject({ type: 'run.waiting', reason: 'question', at: testbed.now })
  })

  it('The core emits no run.waiting while a step of another branch executes.', () => {
    const testbed = leadOfTwo(asks('Which?'), slow(60_000)).run(30_000)
    expect(testbed.result).toMatchObject({ status: 'running', questions: [{ text: 'Which?' }] })
    expect(waits(testbed)).toEqual([])
    expect(waits(testbed.runUntilIdle())).toHaveLength(1)
  })

  it('The core emits run.waiting once for two open questions, and once for the question that is left.', () => {
    const testbed = leadOfTwo(asks('Which?'), asks('When?')).runUntilIdle()
    const [which, when] = testbed.result.questions.map(({ id }) => id)
    expect(waits(testbed)).toEqual([['question', which, when]])
    testbed.answer(which ?? '', 'this one')
    expect(testbed.result.status).toBe('running')
    testbed.runUntilIdle()
    expect(waits(testbed)).toEqual([
      ['question', which, when],
      ['question', when],
    ])
    testbed.answer(when ?? '', 'now')
    expect(testbed.runUntilIdle().result.status).toBe('completed')
    expect(waits(testbed)).toHaveLength(2)
  })

  it('The core emits run.waiting for a pause when the last executing step has ended, and again after each resume.', () => {
    const testbed = new MachineTestbed(team('A B', ['A -> B', 'B -> End']), { A: slow(1_000), B: asks('Which?') })
    submit(testbed, { type: 'pause' })
    expect(testbed.result.status).toBe('running')
    expect(waits(testbed)).toEqual([])
    testbed.runUntilIdle()
    expect(waits(testbed)).toEqual([['paused']])
    submit(testbed, { type: 'resume' })
    testbed.runUntilIdle()
    const [question] = testbed.result.questions.map(({ id }) => id)
    expect(waits(testbed)).toEqual([['paused'], ['question', question]])
    submit(testbed, { type: 'pause' })
    submit(testbed, { type: 'resume' })
    expect(waits(testbed).slice(2)).toEqual([
      ['paused', question],
      ['question', question],
    ])
  })

  it('The core emits run.waiting again when a question is answered while the run is paused.', () => {
    const testbed = lone(asks('Which?')).runUntilIdle()
    submit(testbed, { type: 'pause' })
    const [question] = testbed.result.questions.map(({ id }) => id)
    expect(testbed.answer(question ?? '', 'this one').at(-1)).toMatchObject({
      type: 'run.waiting',
      reason: 'paused',
      questions: [],
    })
  })

  it('The core emits no run.waiting for an input that leaves the reason and the open questions as they are.', () => {
    const testbed = lone(asks('Which?')).runUntilIdle()
    expect(submit(testbed, { type: 'break', breakOn: [] }).map(({ type }) => type)).toEqual(['run.breakpoints-set'])
    submit(testbed, {
      type: 'question.asked',
      step: '1#1',
      wait: 'second',
      question: { kind: 'question', text: 'When?' },
    })
    expect(waits(testbed)).toHaveLength(2)
    expect(waits(testbed).at(-1)).toHaveLength(3)
  })

  it('The core emits run.waiting for a breakpoint before the first step.', () => {
    const testbed = lone(leaf('x'), { debug: { breakOn: [{ agent: 'A' }] as never } })
    expect(waits(testbed)).toEqual([['breakpoint']])
  })

  it('The core emits run.waiting for an uncertain effect and for changed code.', () => {
    const testbed = lone(slow(1_000))
    submit(testbed, { type: 'step.waiting', step: '1#1', reason: 'uncertain', detail: { effect: 'pay' } })
    submit(testbed, { type: 'step.resumed', step: '1#1' })
    submit(testbed, { type: 'step.waiting', step: '1#1', reason: 'code.changed', detail: { problem: 'another' } })
    expect(waits(testbed)).toEqual([['uncertain'], ['code.changed']])
  })

  it('The core emits no run.waiting when a waiting run is cancelled.', () => {
    const testbed = lone(asks('Which?')).runUntilIdle()
    submit(testbed, { type: 'cancel' })
    expect(waits(testbed)).toHaveLength(1)
    expect(testbed.run().result.status).toBe('cancelled')
  })

  it('A replay of the recorded inputs emits the same run.waiting events.', () => {
    const testbed = leadOfTwo(asks('Which?'), asks('When?')).runUntilIdle()
    for (const { id } of testbed.result.questions) {
      testbed.answer(id, 'x')
      testbed.runUntilIdle()
    }
    const state = createState()
    for (const { input, events } of testbed.records) {
      expect(transition(state, input).events).toEqual(events)
    }
    expect(testbed.of('run.waiting').length).toBeGreaterThan(1)
  })
})
