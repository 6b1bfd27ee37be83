import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import type { RunConfig } from '../../../topology/canonical/run-config.ts'
import { readBreakOn, readConfig } from '../../../topology/canonical/run-config.ts'
import { defineTopology } from '../../../topology/define-topology.ts'
import type { Input } from '../machine-events.ts'
import { team } from '../machine-teams.test.fixture.ts'
import { type AgentStub, fails, finish, MachineTestbed, value } from '../machine-testbed.test.fixture.ts'
import { loadState, saveState } from '../save-state.ts'
import { createState } from '../state.ts'
import { transition } from '../transition.ts'

const line = (config: RunConfig, stubs: Record<string, AgentStub> = {}, flows = ['A -> B', 'B -> C']) =>
  new MachineTestbed(
    team('A B C', flows),
    { A: (i) => value(`${i}>A`), B: (i) => value(`${i}>B`), C: (i) => finish(`${i}>C`), ...stubs },
    config,
  ).runUntilIdle()
const submit = (testbed: MachineTestbed, input: Record<string, unknown>) =>
  testbed.apply({ at: testbed.now, by: 'ada', ...input } as unknown as Input)
const resumeRun = (testbed: MachineTestbed, steps?: number) => {
  submit(testbed, { type: 'resume', ...(steps === undefined ? {} : { steps }) })
  return testbed.runUntilIdle()
}
const at = (testbed: MachineTestbed) => testbed.state.run.breakpoint
const breakOn = (...all: readonly unknown[]): RunConfig => ({ debug: { breakOn: all as never } })

describe('a breakpoint', () => {
  it('A breakpoint before an agent stops the run once, and the run resumes there.', () => {
    const testbed = line(breakOn({ agent: 'B' }))
    expect(testbed.result).toMatchObject({ status: 'waiting', reason: 'breakpoint', totalSteps: 1 })
    expect(at(testbed)).toEqual({ on: 'agent', step: '1#2', agent: 'B' })
    expect(resumeRun(testbed).result).toMatchObject({ status: 'completed', response: 'go>A>B>C' })
  })

  it('A paused run accepts new breakpoints in place of those it started with.', () => {
    const testbed = line(breakOn({ agent: 'B' }))
    submit(testbed, { type: 'break', breakOn: [{ on: 'agent', agent: 'C' }] })
    expect(at(resumeRun(testbed))).toMatchObject({ agent: 'C' })
    submit(testbed, { type: 'break', breakOn: [] })
    expect(loadState(saveState(testbed.state)).run.breakOn).toEqual([])
    expect(resumeRun(testbed).result).toMatchObject({ status: 'completed' })
  })

  it('A breakpoint of a child run stops the parent, and does not count for a step of the parent.', () => {
    const testbed = line(breakOn({ agent: 'B' }, { agent: 'C' }))
    const childBreakpoint = { on: 'agent', step: '1#3', agent: 'X', run: 'child' }
    expect(submit(testbed, { type: 'pause', by: 'breakpoint', breakpoint: childBreakpoint })).toEqual([])
    expect(resumeRun(testbed).state.run.breakpoint).toMatchObject({ step: '1#3', agent: 'C' })
    const other = line(breakOn({ agent: 'C' }))
    expect(resumeRun(other).result.status).toBe('completed')
    const first = new MachineTestbed(
      team('A B', ['A -> B']),
      { A: () => ({ wait: 'child' }) as never, B: () => finish('end') },
      {},
    )
    submit(first, { type: 'pause', by: 'breakpoint', breakpoint: childBreakpoint })
    expect(at(first)).toEqual(childBreakpoint)
    expect(first.state.run.lastBreakpoint.step).toBeUndefined()
  })

  it('A breakpoint at an event stops the run before the next step, once for each event.', () => {
    const testbed = line(breakOn({ seq: 1 }, { seq: 4 }))
    expect(at(testbed)).toMatchObject({ on: 'seq', step: '1#1' })
    expect(at(resumeRun(testbed))).toMatchObject({ on: 'seq', step: '1#2' })
    expect(resumeRun(testbed).result.status).toBe('completed')
  })

  it('A breakpoint lets a person edit the input of a branch.', () => {
    const testbed = line(breakOn({ agent: 'B' }))
    submit(testbed, { type: 'branch.edited', branch: '1', input: 'edited' })
    expect(submit(testbed, { type: 'branch.edited', branch: 'none', input: 1 })).toEqual([])
    expect(resumeRun(testbed).result.response).toBe('edited>B>C')
    const entry = line(breakOn({ agent: 'A' }))
    submit(entry, { type: 'branch.edited', branch: '1', input: 'other' })
    expect(resumeRun(entry).result.response).toBe('other>A>B>C')
  })

  it('A breakpoint preserves the substitute and its origin when an input is edited.', () => {
    const testbed = line({ ...breakOn({ agent: 'C' }), onError: { '*': { agent: 'C' } } }, { A: () => fails('no') })
    submit(testbed, { type: 'branch.edited', branch: '1', input: 'edited' })
    expect(testbed.of('branch.moved').at(-1)).toMatchObject({ substitute: true, from: 'A', input: 'edited' })
    expect(resumeRun(testbed).result.response).toBe('edited>C')
  })

  it('A breakpoint on an error stops the run, which resumes with the error or with an edited outcome.', () => {
    const bad: Record<string, AgentStub> = {
      B: () => ({ ...fails('no luck', 5), usage: { inputTokens: 3, outputTokens: 1 } }),
    }
    const held = line(breakOn('error'), bad)
    expect(held.result).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
    expect(at(held)).toEqual({ on: 'error', step: '1#2', agent: 'B' })
    // Nothing that is told of the step meanwhile changes that.
    expect(submit(held, { type: 'step.resumed', step: '1#2' })).toEqual([])
    expect(submit(held, { type: 'step.waiting', step: '1#2', reason: 'parked' })).toEqual([])
    expect(submit(held, { type: 'step.edited', step: 'none', outcome: { kind: 'value', value: 1 } })).toEqual([])
    expect(resumeRun(held).result).toMatchObject({ status: 'failed', usage: { inputTokens: 3 } })
    const edited = line(breakOn('error'), bad)
    submit(edited, { type: 'step.edited', step: '1#2', outcome: { kind: 'value', value: 'by hand' } })
    expect(resumeRun(edited).result).toMatchObject({
      status: 'completed',
      response: 'by hand>C',
      usage: { outputTokens: 1 },
    })
  })

  it('A breakpoint on an error also stops at an outcome that is not possible, and takes a possible one instead.', () => {
    const testbed = line(breakOn('error'), {
      B: () => ({ outcome: { kind: 'handOff', agent: 'A', input: 1 } }),
    })
    expect(at(testbed)).toMatchObject({ on: 'error' })
    submit(testbed, { type: 'step.edited', step: '1#2', outcome: { kind: 'value', value: 'way out' } })
    expect(resumeRun(testbed).result.response).toBe('way out>C')
  })

  it('A breakpoint preserves the failure through a snapshot, and a run that waits there can be cancelled.', () => {
    const testbed = line(breakOn('error'), { B: () => fails('no') })
    testbed.state = loadState(saveState(testbed.state))
    submit(testbed, { type: 'cancel' })
    expect(testbed.runUntilIdle().result.status).toBe('cancelled')
  })

  it('A breakpoint on an error does not stop for guards or for steps that are cancelled.', () => {
    const guarded = line(breakOn('error'), { B: () => fails('again', 0, 'guard.repetition') })
    expect(guarded.result).toMatchObject({ status: 'failed', guard: { name: 'repetition' } })
    const testbed = new MachineTestbed(
      team('A B C', ['Start -> A', 'A => {B, C}']),
      {
        A: () => value(1),
        B: () => ({ ...value(1, 1_000), stopsAfter: 5 }),
        C: () => ({ ...value(1, 1_000), stopsAfter: 5 }),
      },
      breakOn('error'),
    ).run(2_000 - 500)
    submit(testbed, { type: 'cancel' })
    expect(testbed.runUntilIdle().result.status).toBe('cancelled')
  })

  it('A breakpoint before a tool call stops the run, and is passed when the run resumes.', () => {
    const asks: AgentStub = () => ({
      ask: { kind: 'breakpoint', text: 'about to pay' },
      next: (answer) => value(answer as Json),
    })
    const testbed = line({}, { B: asks })
    expect(testbed.result).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
    const [question] = testbed.result.questions
    const paused = line({}, { B: asks })
    expect(resumeRun(testbed).result).toMatchObject({ response: 'true>C' })
    // The run above stood there with it, and goes on.
    submit(paused, { type: 'resume', by: 'parent' })
    expect(paused.runUntilIdle().result).toMatchObject({ response: 'true>C' })
    const edited = line({}, { B: asks })
    edited.answer(question?.id ?? '', { result: 'given' })
    expect(resumeRun(edited).result.status).toBe('completed')
    expect(edited.answer(question?.id ?? '', true)).toEqual([])
    const wrong = line({}, { B: asks })
    for (const value of [false, null, 'yes', {}]) expect(wrong.answer(question?.id ?? '', value)).toEqual([])
  })

  it('A breakpoint is passed step by step, through requests between agents too.', () => {
    const testbed = line(breakOn({ agent: 'A' }))
    expect(at(resumeRun(testbed, 1))).toEqual({ on: 'step', step: '1#2', agent: 'B' })
    expect(testbed.calls.map(({ agent }) => agent)).toEqual(['A'])
    expect(at(resumeRun(testbed, 1))).toMatchObject({ on: 'step', agent: 'C' })
    expect(resumeRun(testbed).result.status).toBe('completed')
    const asking = line(breakOn({ agent: 'C' }), {
      B: () => ({ request: { to: 'C', payload: 'q' }, next: (answer) => value(answer as Json) }),
      C: (i) => value(`${i}!`),
    })
    expect(at(asking)).toMatchObject({ on: 'agent', agent: 'C' })
    expect(at(resumeRun(asking))).toMatchObject({ on: 'agent', step: '1#3' })
    expect(resumeRun(asking).result.status).toBe('completed')
  })

  it('A breakpoint on an error while the run is paused adds no second pause, and the failure counts at the resume.', () => {
    const testbed = new MachineTestbed(
      team('A B C', ['A -> B', 'B -> C']),
      { A: () => fails('no', 100), B: () => value(1), C: () => value(1) },
      breakOn('error'),
    )
    submit(testbed, { type: 'pause' })
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(resumeRun(testbed).result.status).toBe('failed')
  })

  it('A run with breakpoints replays with equal events and state.', () => {
    const testbed = line(breakOn('error', { agent: 'B' }), { B: () => fails('no') })
    resumeRun(testbed)
    resumeRun(testbed)
    const state = createState()
    for (const { input, events } of testbed.records) expect(transition(state, input).events).toEqual(events)
    expect(saveState(state)).toEqual(saveState(testbed.state))
  })
})

it('The option `debug.breakOn` is checked, and unknown agents are rejected.', () => {
  const { canonical } = defineTopology(team('A Bobbi B', ['A -> Bobbi', 'Bobbi -> B']))
  expect(readBreakOn({ agent: 'Anybody' })).toEqual([{ on: 'agent', agent: 'Anybody' }])
  const read = (debug: unknown) => () => readConfig({ debug } as never, canonical).debug
  expect(read({ breakOn: ['error', { tool: 'pay' }, { agent: 'B' }, { agent: 'Elsewhere' }] })()).toEqual({
    breakOn: [
      { on: 'error' },
      { on: 'tool', tool: 'pay' },
      { on: 'agent', agent: 'B' },
      { on: 'agent', agent: 'Elsewhere' },
    ],
  })
  expect(read({ breakOn: 'error' })()).toEqual({ breakOn: [{ on: 'error' }] })
  for (const wrong of [
    {},
    { breakOn: 'errors' },
    { breakOn: null },
    { breakOn: { agent: 'Bobby' } },
    { breakOn: { agent: '' } },
    { breakOn: { seq: 0 } },
    { breakOn: { step: 1 } },
    { on: 'error' },
  ])
    expect(read(wrong)).toThrow()
})
