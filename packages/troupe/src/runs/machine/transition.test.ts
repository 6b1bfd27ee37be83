import { describe, expect, it } from 'vitest'
import { failure, storeError } from '../../core/index.ts'
import { RunDecision } from './decision.ts'
import { evolve } from './evolve.ts'
import type { Command, Input } from './machine-events.ts'
import { fan, leaf, slow, team } from './machine-teams.test.fixture.ts'
import { MachineTestbed } from './machine-testbed.test.fixture.ts'
import { saveState } from './save-state.ts'
import { createState } from './state.ts'
import { transition } from './transition.ts'

const error = storeError(failure('agent.failed', { agent: 'A', error: 'no' }))
const lone = (config = {}) => new MachineTestbed(team('A', ['A -> End']), { A: slow() }, config)
const typesOf = (commands: readonly Command[]) => commands.map(({ type }) => type)

/** A lead whose two spokes execute, and whose rules no longer find the graph. */
function broken() {
  const form = team('A B C', ['Start -> A', 'A <-> B', 'A <-> C', 'A -> End'])
  const testbed = new MachineTestbed(form, { A: fan('B', 'C'), B: leaf(1, 5), C: leaf(1, 5) })
  const targets = ['B', 'C'].map((agent) => ({ agent, input: 1 }))
  testbed.apply({ at: 1_000, type: 'step.returned', step: '1#1', outcome: { kind: 'invoke', targets } })
  testbed.state.graph = undefined
  const [first = '', second = ''] = testbed.state.steps.open.keys()
  return { testbed, first, second }
}

describe('A broken rule', () => {
  it('A broken invariant fails the run after what was decided before it, and cancels each step that still executes.', () => {
    const { testbed, first, second } = broken()
    const { events, commands } = transition(testbed.state, { at: 2_000, type: 'step.failed', step: first, error })
    expect(events).toMatchObject([
      { type: 'step.failed', step: first },
      { type: 'step.cancel-requested', step: second, cancellation: { error: { code: 'invariant.broken' } } },
      { type: 'run.failed', error: { code: 'invariant.broken' } },
    ])
    expect(commands).toMatchObject([
      { type: 'step.cancel', step: second, reason: { code: 'invariant.broken' } },
      { type: 'timer.clear', name: 'time' },
      { type: 'children.notify', message: { type: 'cancel' } },
    ])
    expect(testbed.result).toMatchObject({ status: 'failed', error: { code: 'invariant.broken' } })
  })

  it('A broken invariant does not cancel the step whose end caused the decision.', () => {
    const { testbed, first, second } = broken()
    const outcome = { kind: 'value', value: 1 } as const
    const { events } = transition(testbed.state, { at: 2_000, type: 'step.returned', step: first, outcome })
    expect(events).toMatchObject([{ type: 'step.cancel-requested', step: second }, { type: 'run.failed' }])
  })

  it('A broken invariant leaves a state that equals the fold of the events, also without executing steps.', () => {
    const testbed = lone()
    testbed.state.graph = undefined
    const events = testbed.apply({ at: 2_000, type: 'run.claimed' })
    expect(events.map(({ type }) => type)).toEqual(['run.claimed', 'step.cancel-requested', 'run.failed'])
    const folded = createState()
    for (const event of testbed.events) evolve(folded, event)
    expect(saveState(folded)).toEqual(saveState(testbed.state))
  })

  it('A broken invariant reports a thrown value that is not an Error.', () => {
    const testbed = lone()
    const thrown = () => {
      throw 'no graph'
    }
    Object.defineProperty(testbed.state, 'graph', { get: thrown, enumerable: true })
    const [, , failed] = testbed.apply({ at: 2_000, type: 'run.claimed' })
    expect(failed).toMatchObject({ error: { message: expect.stringContaining('no graph') } })
  })
})

describe('A transition', () => {
  it('A transition throws if a fold throws, because no events lead to the state any more.', () => {
    const { testbed, first } = broken()
    const wait: Input = { at: 2_000, type: 'step.waiting', step: first, reason: 'uncertain' }
    expect(() => transition(testbed.state, wait)).toThrow('there is no graph')
  })

  it('A transition decides nothing after the end of the run.', () => {
    const testbed = lone()
    testbed.apply({ at: 2_000, type: 'step.failed', step: '1#1', error })
    const decision = new RunDecision(testbed.state, 2_000)
    expect(() => decision.emit({ type: 'run.failed', error })).toThrow('run.failed after the end of the run')
    expect(transition(testbed.state, { at: 2_000, type: 'cancel', by: 'ada' })).toEqual({
      events: [],
      paths: [],
      beginnings: [],
      commands: [],
    })
  })

  it('A transition requests no timer that it sets and clears again.', () => {
    const testbed = lone({ timeouts: { step: '1m' } })
    const decision = new RunDecision(testbed.state, 2_000)
    decision.emit({ type: 'timer.set', name: 'time', due: 9_000 })
    decision.emit({ type: 'timer.set', name: 'run', due: 9_000 })
    decision.emit({ type: 'timer.cleared', name: 'run' })
    decision.emit({ type: 'timer.cleared', name: 'step:1#1' })
    expect(decision.commands()).toMatchObject([
      { type: 'timer.set', name: 'time' },
      { type: 'timer.clear', name: 'step:1#1' },
    ])
  })

  it('A transition requests every command that follows from a pause, a breakpoint, a resume and a gap.', () => {
    const { state } = lone()
    const on = (input: Input) =>
      transition(state, input).commands.filter(({ type }) => type !== 'timer.set' && type !== 'timer.clear')
    expect(typesOf(on({ at: 2_000, type: 'pause', by: 'ada' }))).toEqual(['children.notify'])
    expect(on({ at: 2_001, type: 'resume', by: 'ada', steps: 2 })).toMatchObject([
      { type: 'children.notify', message: { type: 'resume', steps: 2 } },
      { type: 'parked.resume' },
    ])
    const breakpoint = { on: 'tool', step: '1#1', agent: 'A' } as const
    expect(on({ at: 2_002, type: 'pause', by: 'breakpoint', breakpoint })).toMatchObject([
      { type: 'children.notify', message: { type: 'pause' } },
      { type: 'parent.notify', breakpoint },
    ])
    expect(on({ at: 2_003, type: 'break', by: 'ada', breakOn: [{ on: 'error' }] })).toMatchObject([
      { type: 'children.notify', message: { type: 'break', breakOn: [{ on: 'error' }] } },
    ])
    expect(on({ at: 2_004, type: 'clock.jumped', gap: 1 })).toMatchObject([{ type: 'timers.shift', gap: 1 }])
    const waits = on({ at: 2_005, type: 'step.waiting', step: '1#1', reason: 'uncertain' })
    expect(typesOf(waits)).toEqual(['parent.report'])
  })
})
