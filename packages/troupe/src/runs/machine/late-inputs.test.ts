/** What comes late or is said oddly: inputs, answers, timers, options. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { readJoin } from '../../topology/canonical/read-join.ts'
import { readConfig } from '../../topology/canonical/run-config.ts'
import { conditionHolds } from './branches/condition-holds.ts'
import { RunDecision } from './decision.ts'
import { trip } from './limits/guards.ts'
import { slow, team } from './machine-teams.test.fixture.ts'
import {
  type AgentStub,
  fails,
  finish,
  handOff,
  invoke,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from './machine-testbed.test.fixture.ts'
import { checkAnswer } from './people/check-answer.ts'
import { deriveStatus } from './run/run-account.ts'
import { loadState, saveState } from './save-state.ts'
import { createState } from './state.ts'

const error = { name: 'E', code: 'c', message: 'm', retryable: false }

describe('answers', () => {
  const check = (question: object, answer: Json) => {
    const asks: AgentStub = () => ({ ask: { text: '?', ...question } as never, next: (a) => finish(a as Json) })
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: asks }).runUntilIdle()
    return () => checkAnswer(testbed.state, testbed.result.questions[0]?.id ?? '', answer)
  }
  it('A choice without options accepts any answer, and a confirmation accepts true.', () => {
    expect(check({ kind: 'choice' }, 'x')).not.toThrow()
    expect(check({ kind: 'confirmation' }, true)).not.toThrow()
  })
  it('An approval rejects an answer with another hash, and an approval without a hash accepts any answer.', () => {
    expect(check({ kind: 'approval', hash: 'h' }, { approve: true, hash: 'g' })).toThrow(/the tool/)
    expect(check({ kind: 'approval' }, { approve: true })).not.toThrow()
  })
})

describe('conditions', () => {
  it('A condition fails if the value is not in its list, not below its bound, or not a number.', () => {
    expect(conditionHolds({ path: 'n', in: [1, 2] }, { n: 3 })).toBe(false)
    expect(conditionHolds({ path: 'n', lessThan: 3 }, { n: 3 })).toBe(false)
    expect(conditionHolds({ path: 'n', lessThan: 3 }, { n: '1' })).toBe(false)
  })
})

describe('config', () => {
  it('readConfig reads numbers, token budgets and retry backoff as they are written.', () => {
    const read = readConfig({ budget: { tokens: 5 }, retry: { attempts: 2, backoff: '3s' } })
    expect(read.budget.tokens).toBe(5)
    expect(read.retry).toEqual({ attempts: 2, backoff: 3_000 })
    expect(readConfig({ retry: { attempts: 2 } }).retry).toEqual({ attempts: 2, backoff: 1_000 })
    expect(() => readConfig({ budget: { cost: Number.NaN } })).toThrow(/cost/)
    expect(readConfig({ budget: { cost: 2 } }).budget.cost).toBe(2)
    expect(() => readJoin('join', null as never)).toThrow(/join/)
  })

  it('readConfig rejects values that are not objects, durations of zero, and a nudge after the stop.', () => {
    const wrong: readonly (readonly [config: unknown, location: string])[] = [
      [null, 'config'],
      [7, 'config'],
      [{ budget: null }, 'config.budget'],
      [{ onError: 'ask' }, 'config.onError'],
      [{ guards: { repetition: true } }, 'config.guards.repetition'],
      [{ guards: { repetition: { nudge: 9, stop: 3 } } }, 'config.guards.repetition.nudge'],
      [{ guards: { pingPong: null } }, 'config.guards.pingPong'],
      [{ deadline: '0s' }, 'config.deadline'],
      [{ timeouts: { step: '0ms' } }, 'config.timeouts.step'],
      [{ budget: { time: '0s' } }, 'config.budget.time'],
    ]
    for (const [config, location] of wrong) expect(() => readConfig(config as never)).toThrow(location)
  })

  it('readConfig moves the stop of the repetition guard behind its nudge, and the nudge before its stop.', () => {
    const repetition = (settings: object) => readConfig({ guards: { repetition: settings } }).guards.repetition
    expect(repetition({ nudge: 9 })).toEqual({ nudge: 9, stop: 10 })
    expect(repetition({ stop: 2 })).toEqual({ nudge: 2, stop: 2 })
    expect(repetition({})).toEqual({ nudge: 3, stop: 5 })
  })
})

describe('late inputs', () => {
  const early = (config = {}) => new MachineTestbed(team('A', ['A -> End']), { A: slow() }, config)
  it('The run machine ignores a rejected budget, a question, a request or an answer of a step that is not open.', () => {
    const testbed = early()
    const late = [
      { type: 'budget.rejected', step: 'no', budget: 'tokens', used: 2, limit: 1 },
      { type: 'question.asked', step: 'no', wait: 'w', question: { kind: 'question', text: '?' } },
      { type: 'request.made', step: 'no', wait: 'w', to: 'A', message: 'm', payload: 1 },
      { type: 'question.answered', question: 'no', value: 1, by: 'ada' },
    ]
    for (const input of late) expect(testbed.apply({ at: 2_000, ...input } as never)).toEqual([])
  })
  it('The clock sets a timer again that fired early.', () => {
    const testbed = early({ timeouts: { run: '10s' } })
    expect(testbed.apply({ at: 2_000, type: 'timer', name: 'run' })).toMatchObject([{ type: 'timer.set', due: 11_000 }])
  })
  it('The charges of child runs count in the usage of their parent.', () => {
    const testbed = early()
    testbed.apply({
      at: 2_000,
      type: 'run.charged',
      run: 'child-run',
      steps: 3,
      usage: { inputTokens: 5, outputTokens: 7, cost: 0.5, unknown: ['p/m'] },
    } as never)
    testbed.apply({
      at: 2_000,
      type: 'run.charged',
      run: 'below2',
      steps: 0,
      usage: { inputTokens: 1, outputTokens: 1 },
    } as never)
    expect(testbed.result).toMatchObject({
      totalSteps: 4,
      usage: { inputTokens: 6, outputTokens: 8 },
      cost: { usd: 0.5, unknown: ['p/m'] },
    })
  })
  it('A guard that trips after another guard changes nothing.', () => {
    const { state } = early()
    const d = new RunDecision(state, 2_000)
    for (const name of ['steps', 'hops']) trip(d, { name, limit: 1, used: 1 })
    expect(d.events).toMatchObject([{ type: 'guard.tripped', guard: { name: 'steps' } }])
  })
  it('An answer to a waiting step is deferred while the run is paused, also in a snapshot.', () => {
    const asks: AgentStub = () => ({ ask: { text: '?' } as never, next: (a) => finish(a as Json) })
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: asks }).runUntilIdle()
    testbed.apply({ at: 1_000, type: 'pause', by: 'ada' })
    const id = testbed.result.questions[0]?.id ?? ''
    const answered = testbed.apply({ at: 1_001, type: 'question.answered', question: id, value: 'yes', by: 'ada' })
    expect(answered.map(({ type }) => type)).toEqual(['question.answered', 'answer.deferred', 'run.waiting'])
    expect(testbed.result).toMatchObject({ status: 'waiting', reason: 'paused', questions: [] })
    expect(loadState(saveState(testbed.state)).questions.deferred).toEqual(testbed.state.questions.deferred)
    testbed.apply({ at: 1_002, type: 'resume', by: 'parent' })
    expect(testbed.result.reason).toBe('paused')
    const on = testbed.apply({ at: 1_003, type: 'resume', by: 'ada' })
    expect(on.map(({ type }) => type)).toEqual(['run.resumed', 'answer.delivered'])
    expect(testbed.runUntilIdle().result.response).toBe('yes')
    expect(testbed.state.questions.deferred).toEqual([])
  })
  it('Each trip of a guardrail is one event of the run, also if the step reports it again at its end.', () => {
    const trip = (id: string) =>
      ({ id, agent: 'A', guardrail: 'secrets', direction: 'input', action: 'redact' }) as const
    const ends = [
      { type: 'step.returned', outcome: { kind: 'value', value: 1 } },
      { type: 'step.failed', error },
    ] as const
    for (const end of ends) {
      const testbed = new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: slow(60_000) })
      const waiting = { type: 'step.waiting', step: '1#1', reason: 'parked', detail: [], trips: [trip('one')] } as const
      testbed.apply({ at: testbed.now, ...waiting })
      testbed.apply({ at: testbed.now, type: 'step.resumed', step: '1#1' })
      testbed.apply({ at: testbed.now, step: '1#1', ...end, trips: [trip('one'), trip('two')] })
      const tripped = testbed.events.flatMap((event) => (event.type === 'guardrail.tripped' ? [event.trip] : []))
      expect(tripped).toEqual(['one', 'two'])
    }
  })

  it('The usage of a failure and of a rejected budget counts in the result.', () => {
    const used = { inputTokens: 3, outputTokens: 2 }
    const failing = early()
    failing.apply({ at: 2_000, type: 'step.failed', step: '1#1', error, usage: used })
    expect(failing.result).toMatchObject({ status: 'failed', usage: used })
    const rejected = early()
    rejected.apply({
      at: 2_000,
      type: 'budget.rejected',
      step: '1#1',
      budget: 'tokens',
      used: 2,
      limit: 1,
      usage: used,
    } as never)
    expect(rejected.result).toMatchObject({ status: 'failed', usage: used, guard: { name: 'tokens' } })
    const bare = early()
    bare.apply({ at: 2_000, type: 'budget.rejected', step: '1#1', budget: 'tokens', used: 2, limit: 1 } as never)
    expect(bare.result).toMatchObject({ status: 'failed', guard: { name: 'tokens', limit: 1, used: 2 } })
  })
  it('A waiting step records the detail of its reason.', () => {
    const testbed = early()
    const events = testbed.apply({
      at: 2_000,
      type: 'step.waiting',
      step: '1#1',
      reason: 'uncertain',
      detail: { effect: 'pay' },
    } as never)
    expect(events).toMatchObject([
      { type: 'step.waiting', detail: { effect: 'pay' } },
      { type: 'run.waiting', reason: 'uncertain', questions: [] },
    ])
  })
  it('A thrown value that is not an Error fails the run with its text.', () => {
    const testbed = early()
    const graph = testbed.state.graph as object
    Object.defineProperty(testbed.state, 'graph', {
      get: () => {
        throw 'odd'
      },
      set: () => {},
      configurable: true,
    })
    expect(
      testbed.apply({ at: 2_000, type: 'step.returned', step: '1#1', outcome: { kind: 'value', value: 1 } }),
    ).toMatchObject([{ type: 'run.failed', error: { message: expect.stringContaining('odd') } }])
    expect(graph).toBeDefined()
  })
})

describe('clocks', () => {
  it('An acquisition timeout ends when an instance is free.', () => {
    const two = new MachineTestbed(
      team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { nodes: { B: { limit: 1 } } }),
      { A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2])), B: slow(1_000) },
      { timeouts: { acquisition: '5s' } },
    ).runUntilIdle()
    expect(two.result.response).toEqual(['slow', 'slow'])
  })
  it('An acquisition timeout fails a step that waits too long.', () => {
    const late = new MachineTestbed(
      team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { nodes: { B: { limit: 1 } } }),
      { A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2])), B: slow(9_000) },
      { timeouts: { acquisition: '5s' }, onFailure: 'collect' },
    ).runUntilIdle()
    expect(late.result.response).toEqual(['slow', null])
  })
  it('An acquisition timeout stops while the run is paused.', () => {
    const paused = new MachineTestbed(
      team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { nodes: { B: { limit: 1 } } }),
      { A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2])), B: slow(9_000) },
      { timeouts: { acquisition: '5s' }, onFailure: 'collect' },
    ).run(1_500)
    paused.apply({ at: 1_500, type: 'pause', by: 'ada' })
    expect(paused.remainingMs('acquire:1/1.2')).toBe(4_500)
    paused.now = 9_000
    expect(paused.remainingMs('acquire:1/1.2')).toBe(4_500)
  })
})

describe('people and requests', () => {
  it('A failure that needs a decision of a person aborts the run at the human timeout.', () => {
    const testbed = new MachineTestbed(
      team('A', ['A -> End']),
      { A: () => fails('no') },
      { onError: { '*': 'ask' }, timeouts: { human: '1s' } },
    ).run()
    expect(testbed.result).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })
  it('A step that serves a request counts in the usage, and cannot hand off.', () => {
    const form = team('A B', ['Start -> A', 'A -> End', 'A <-> B', 'B -> End'])
    const ask: AgentStub = () => ({
      request: { to: 'B', payload: 1 },
      next: (e) => finish((e as { code?: string }).code ?? (e as Json)),
    })
    const usage = { inputTokens: 3, outputTokens: 4 }
    expect(
      new MachineTestbed(form, { A: ask, B: () => ({ ...value('r'), usage }) }).runUntilIdle().result,
    ).toMatchObject({
      response: 'r',
      usage,
    })
    expect(
      new MachineTestbed(form, { A: ask, B: () => ({ ...handOff('A', 1), usage }) }).runUntilIdle().result,
    ).toMatchObject({
      response: 'outcome.invalid',
      usage,
    })
  })
  it('The timeout of a request stops while the run is paused.', () => {
    const form = team('L A C B', ['Start -> L', 'L => {A, C}', '{A, C} -> End', 'A <-> B', 'C <-> B', 'B -> End'])
    const ask =
      (deadlineAfter: number): AgentStub =>
      () => ({
        after: 5,
        request: { to: 'B', payload: deadlineAfter, deadlineAfter },
        next: (e) => finish(typeof e === 'object' ? 'late' : (e as Json)),
      })
    const testbed = new MachineTestbed(form, { L: () => value(1), A: ask(20), C: ask(90_000), B: (i) => value(i) }).run(
      1_001,
    )
    testbed.apply({ at: 1_001, type: 'pause', by: 'ada' })
    testbed.run(1_100)
    expect(testbed.calls.filter((c) => c.agent === 'B')).toEqual([])
    testbed.apply({ at: 1_100, type: 'resume', by: 'ada' })
    expect(testbed.runUntilIdle().inputsOf('B')).toEqual([20, 90_000])
    expect(testbed.result.response).toEqual([20, 90_000])
  })
  it('Several steps that wait for the same busy agent are not a deadlock.', () => {
    const names = 'P D X Y Z W'
    const flows = ['Start -> P', 'P <-> D', 'D <-> X', 'D <-> Z', 'D <-> W', 'X <-> Y', 'Z <-> Y', 'P -> End']
    const ask =
      (to: string, after: number): AgentStub =>
      () => ({ after, request: { to, payload: 1 }, next: (e) => value(e as Json) })
    const testbed = new MachineTestbed(team(names, flows), {
      P: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['D', 1], ['D', 2], ['D', 3])),
      D: (i, c, n) => ask(i === 1 ? 'X' : i === 2 ? 'Z' : 'W', i === 3 ? 50 : 0)(i, c, n),
      X: ask('Y', 0),
      Z: ask('Y', 0),
      Y: () => value('y', 100),
      W: () => value('w'),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['y', 'y', 'w'] })
  })
  it('A step that reaches a full node while the run is paused retains its whole acquisition timeout.', () => {
    const form = team('A B C', ['Start -> A', 'A <-> B', 'A <-> C', 'C -> B', 'A -> End'], {
      nodes: { B: { limit: 1 } },
    })
    const lead: AgentStub = (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['C', 2]))
    const stubs = { A: lead, B: slow(9_000), C: () => handOff('B', 'c', 50) }
    const testbed = new MachineTestbed(form, stubs, { timeouts: { acquisition: '5s' } }).run(1_020)
    testbed.apply({ at: 1_020, type: 'pause', by: 'ada' })
    testbed.run(1_500)
    expect(testbed.remainingMs('acquire:1/1.2')).toBe(5_000)
  })
})

it('A child run that was paused by its own id stays paused when its parent resumes.', () => {
  const testbed = new MachineTestbed(team('A', ['A -> End']), { A: () => value(1, 50) })
  testbed.apply({ at: testbed.now, type: 'pause', by: 'host' })
  expect(testbed.apply({ at: testbed.now, type: 'resume', by: 'parent' })).toEqual([])
  expect(testbed.apply({ at: testbed.now, type: 'resume', by: 'host' })).toMatchObject([{ type: 'run.resumed' }])
  testbed.apply({ at: testbed.now, type: 'pause', by: 'parent' })
  expect(testbed.apply({ at: testbed.now, type: 'resume', by: 'parent' })).toMatchObject([{ type: 'run.resumed' }])
})

it('A run whose steps have all ended has the status running until its next decision.', () => {
  expect(deriveStatus({ ...createState(), run: { ...createState().run, status: 'running' } })).toEqual({
    status: 'running',
    over: false,
  })
  expect(loadState(saveState(createState())).run.status).toBe('new')
})
