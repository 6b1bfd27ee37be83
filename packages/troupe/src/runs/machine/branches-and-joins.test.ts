/** Ways through the core that few teams take. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { readConfig } from '../../topology/canonical/run-config.ts'
import { conditionHolds } from './branches/condition-holds.ts'
import { team } from './machine-teams.test.fixture.ts'
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
import { loadState, saveState } from './save-state.ts'
import { transition } from './transition.ts'

describe('joins', () => {
  it('Two joins that wait only for each other complete, the first one first.', () => {
    const flows = [
      'Start -> A',
      'A => {B, C}',
      'B -> M1',
      'X -> M1',
      'C -> M2',
      'Y -> M2',
      'M1 -> Y',
      'M2 -> X',
      'M1 -> End',
      'M2 -> End',
    ]
    const stubs = {
      A: () => value(1),
      B: () => value('b'),
      C: () => value('c', 10),
      M1: (i: Json) => finish(valuesIn(i)),
      M2: (i: Json) => finish(valuesIn(i)),
    }
    const testbed = new MachineTestbed(team('A B C X Y M1 M2', flows), stubs).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: [['b'], ['c']] })
    expect(testbed.of('join.completed').map((e) => e.joinId)).toEqual(['@M1.1', '@M2.1'])
  })
  it('A join with a quorum cancels and awaits the branches that it no longer needs.', () => {
    const flows = ['Start -> A', 'A => {B, C, D}', '{B, C, D} -> M', 'M -> End']
    const slow: AgentStub = () => ({ ...value('d', 5_000), stopsAfter: 25 })
    const stubs = {
      A: () => value(1),
      B: () => value('b'),
      C: () => value('c', 10),
      D: slow,
      M: (i: Json) => finish(valuesIn(i)),
    }
    const testbed = new MachineTestbed(
      team('A B C D M', flows, { nodes: { M: { join: { quorum: 2 } } } }),
      stubs,
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['b', 'c'], durationMs: 35 })
    expect(testbed.result.branchResults.find((b) => b.agent === 'D')?.status).toBe('cancelled')
  })
  it('A join handles failed branches by its failure policy.', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> M', 'M -> End']
    const stubs = {
      A: () => value(1),
      B: () => fails('no', 5),
      C: () => value('c', 10),
      M: (i: Json) => finish((resultsIn(i) ?? []).map((r) => r.success)),
    }
    const run = (node: object) =>
      new MachineTestbed(team('A B C M', flows, { nodes: { M: node } }), stubs).runUntilIdle().result
    expect(run({ onFailure: 'collect' }).response).toEqual([false, true])
    expect(run({ onFailure: 'continue' }).response).toEqual([true])
    expect(run({ join: 'first' }).response).toEqual([false, true])
    expect(run({})).toMatchObject({ status: 'failed', error: { message: 'no' } })
    expect(run({ join: { quorum: 2 } })).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })
  it('A join completes at its deadline with the results that have arrived.', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> M', 'M -> End']
    const stubs = {
      A: () => value(1),
      B: () => value('b'),
      C: () => value('c', 9_000),
      M: (i: Json) => finish(valuesIn(i)),
    }
    const testbed = new MachineTestbed(
      team('A B C M', flows, { nodes: { M: { deadline: '1s' } } }),
      stubs,
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({ response: ['b'], durationMs: 1_000 })
  })
})

describe('User', () => {
  it('An answer of User is sent along all edges of User, whose branches meet in a join.', () => {
    const flows = ['Start -> A', 'A -> User', 'User -> B', 'User -> C', '{B, C} -> D', 'D -> End']
    const testbed = new MachineTestbed(team('A B C D', flows), {
      A: () => value('Which?'),
      B: (i) => value(`b ${i}`),
      C: (i) => value(`c ${i}`),
      D: (i) => finish(valuesIn(i)),
    }).runUntilIdle()
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'this')
    expect(testbed.runUntilIdle().result.response).toEqual(['b this', 'c this'])
  })
  it('User is asked in parallel with agents, and the answers have the order of invocation.', () => {
    const flows = ['Start -> A', 'A <-> User', 'A <-> B', 'A -> End']
    const testbed = new MachineTestbed(team('A B', flows), {
      A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['User', 'One?'], ['B', 1], ['User', 'Two?'])),
      B: () => value('b'),
    }).runUntilIdle()
    const [one, two] = testbed.result.questions
    testbed.answer(two?.id ?? '', 2)
    testbed.answer(one?.id ?? '', 1)
    expect(testbed.runUntilIdle().result.response).toEqual([1, 'b', 2])
  })
  it('User asks first if Start leads to it, and its answer is the response if it leads to End.', () => {
    const first = new MachineTestbed(team('A', ['Start -> User', 'User -> A', 'A -> End']), {
      A: (i) => finish(i),
    }).runUntilIdle()
    first.answer(first.result.questions[0]?.id ?? '', 'hello')
    expect(first.runUntilIdle().result.response).toBe('hello')
    const last = new MachineTestbed(team('A', ['Start -> A', 'A -> User', 'User -> End']), {
      A: () => value('Fine?'),
    }).runUntilIdle()
    last.answer(last.result.questions[0]?.id ?? '', 'yes')
    expect(last.runUntilIdle().result.response).toBe('yes')
  })
  it('A question without an answer fails its branch at the human timeout.', () => {
    const testbed = new MachineTestbed(
      team('A', ['Start -> A', 'A <-> User', 'A -> End']),
      { A: () => handOff('User', '?') },
      { timeouts: { human: '1s' } },
    )
    expect(testbed.run().result).toMatchObject({
      status: 'failed',
      error: { name: 'TimeoutError', message: expect.stringContaining('human') },
    })
  })
})

describe('answers', () => {
  it('checkAnswer rejects an answer that does not fit its question, and gives the reason.', () => {
    const asks =
      (question: object): AgentStub =>
      () => ({ ask: { text: '?', ...question } as never, next: (a) => finish(a as Json) })
    const check = (question: object, answer: Json) => {
      const testbed = new MachineTestbed(team('A', ['A -> End']), { A: asks(question) }).runUntilIdle()
      return () => checkAnswer(testbed.state, testbed.result.questions[0]?.id ?? '', answer)
    }
    expect(check({ kind: 'question' }, 'x')).not.toThrow()
    expect(check({ kind: 'confirmation' }, 'x')).toThrow(/true or false/)
    expect(check({ kind: 'choice', options: ['a'] }, 'b')).toThrow(/one of a/)
    expect(check({ kind: 'approval', hash: 'h', tool: 't' }, true)).toThrow(/approve, hash/)
    expect(check({ kind: 'approval', hash: 'h', tool: 't' }, { approve: true, hash: 'g' })).toThrow(/other arguments/)
    expect(check({ kind: 'approval', hash: 'h', tool: 't' }, { approve: false, hash: 'h' })).not.toThrow()
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: () => value(1, 9) })
    expect(() => checkAnswer(testbed.state, 'none', 1)).toThrow(/No question/)
  })
})

describe('steps', () => {
  it('The results of branches name a step whose effect is uncertain or whose code changed.', () => {
    const stubs = { A: () => value('go'), B: () => value('b', 50_000), C: () => value('c', 50_000) }
    const testbed = new MachineTestbed(team('A B C', ['A => {B, C}', 'B -> End', 'C -> End']), stubs)
    testbed.run(5_000)
    const step = [...testbed.state.steps.open.values()].find(({ agent }) => agent === 'B')?.id as string
    const resultsAfter = (reason: 'uncertain' | 'code.changed', detail: Json) => {
      testbed.apply({ at: 5_000, type: 'step.waiting', step, reason, detail })
      return testbed.result.branchResults.map(({ agent, error }) => [agent, error?.code, error?.message])
    }
    expect(resultsAfter('uncertain', { effect: 'pay' })).toEqual([
      ['A', undefined, undefined],
      ['B', 'effect.uncertain', `Whether the effect pay of ${step} happened is unknown.`],
      ['C', undefined, undefined],
    ])
    expect(resultsAfter('code.changed', { problem: 'send has another input' })[1]).toEqual([
      'B',
      'code.changed',
      `The code of ${step} no longer fits its record: send has another input.`,
    ])
  })
  it('A parked step leaves the run running; an uncertain effect or changed code makes the run wait.', () => {
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: () => value(1, 99_999) })
    const waits = (reason: 'parked' | 'uncertain' | 'code.changed') => {
      testbed.apply({ at: 2_000, type: 'step.waiting', step: '1#1', reason })
      return testbed.result
    }
    expect(waits('parked').status).toBe('running')
    expect(waits('uncertain')).toMatchObject({ status: 'waiting', reason: 'uncertain' })
    expect(waits('code.changed')).toMatchObject({ status: 'waiting', reason: 'code.changed' })
    testbed.apply({ at: 2_000, type: 'step.resumed', step: '1#1' })
    expect(testbed.result.status).toBe('running')
    testbed.apply({
      at: 2_000,
      type: 'step.returned',
      step: '1#1',
      outcome: { kind: 'value', value: 7 },
      usage: { inputTokens: 3, outputTokens: 2, cost: 0.5, unknown: ['p/m'] },
    })
    expect(testbed.result).toMatchObject({
      status: 'completed',
      response: 7,
      usage: { inputTokens: 3, outputTokens: 2 },
      cost: { usd: 0.5, unknown: ['p/m'] },
    })
  })
  it('The run machine ignores inputs that are late, repeated or about unknown steps.', () => {
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: () => value(1, 5) })
    const before = saveState(testbed.state)
    const at = 2_000
    expect(transition(testbed.state, { at, type: 'start', task: 1, pinned: testbed.pinned }).events).toEqual([])
    for (const type of ['step.returned', 'step.failed', 'step.resumed'] as const)
      expect(
        transition(testbed.state, {
          at,
          type,
          step: 'no',
          outcome: { kind: 'value', value: 1 },
          error: { name: 'E', code: 'c', message: 'm', retryable: false },
        } as never).events,
      ).toEqual([])
    expect(transition(testbed.state, { at, type: 'timer', name: 'run' }).events).toEqual([])
    expect(transition(testbed.state, { at, type: 'resume', by: 'ada' }).events).toEqual([])
    expect(saveState(testbed.state)).toEqual(before)
    testbed.runUntilIdle()
    expect(transition(testbed.state, { at, type: 'cancel', by: 'ada' }).events).toEqual([])
  })
  it('A request without an addressee fails the asking step, and a step that serves a request cannot invoke.', () => {
    const form = team('A B', ['Start -> A', 'A -> End', 'A <-> B', 'B -> End'])
    const ask =
      (to: string): AgentStub =>
      () => ({ request: { to, payload: 1 }, next: (e) => finish((e as { code: string }).code) })
    expect(new MachineTestbed(form, { A: ask('Nobody') }).runUntilIdle().result.response).toBe('agent.unknown')
    expect(new MachineTestbed(form, { A: ask('B'), B: () => invoke(['A', 1]) }).runUntilIdle().result.response).toBe(
      'outcome.invalid',
    )
    expect(
      new MachineTestbed(form, { A: ask('B'), B: () => fails('no', 0, 'x.y') }).runUntilIdle().result.response,
    ).toBe('x.y')
  })
  it('A step of a line that is skipped passes null to the next step.', () => {
    const testbed = new MachineTestbed(
      team('A B', ['A -> B']),
      { A: () => fails('no'), B: (i) => finish({ got: i }) },
      { onError: { '*': 'ask' } },
    ).runUntilIdle()
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'skip')
    expect(testbed.runUntilIdle().result.response).toEqual({ got: null })
  })
})

describe('edges', () => {
  it('An edge with a limit rejects more invocations than the limit.', () => {
    const form = team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { edges: { 'A <-> B': { limit: 2 } } })
    const testbed = new MachineTestbed(form, { A: () => invoke(['B', 1], ['B', 2], ['B', 3]) }).runUntilIdle()
    expect(testbed.result.error?.message).toMatch(/2 times only/)
  })
  it('An edge that fans out to one agent gives its result in a list of results.', () => {
    const replies = team('A B', ['Start -> A', 'A => {B}', 'B -> A', 'A -> End'])
    const stubs: Record<string, AgentStub> = {
      A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : value('news')),
      B: (i) => value(`b ${i}`),
    }
    expect(new MachineTestbed(replies, stubs).runUntilIdle().result.response).toEqual(['b news'])
    const oneWay = team('A B', ['Start -> A', 'A => {B}', 'B -> End'])
    expect(new MachineTestbed(oneWay, stubs).runUntilIdle().result.response).toBe('b news')
  })
  it('The conditions of an edge compare the value at their path.', () => {
    const it = { kind: 'a', n: 3, deep: { x: [1] } }
    expect(conditionHolds({ path: 'kind', equals: 'a' }, it)).toBe(true)
    expect(conditionHolds({ path: 'kind', notEquals: 'a' }, it)).toBe(false)
    expect(conditionHolds({ path: 'kind', in: ['b', 'a'] }, it)).toBe(true)
    expect(conditionHolds({ path: 'none', exists: true }, it)).toBe(false)
    expect(conditionHolds({ path: 'constructor', exists: true }, it)).toBe(false)
    expect(conditionHolds({ path: 'n', greaterThan: 3 }, it)).toBe(false)
    expect(conditionHolds({ path: 'n', lessThan: 4, greaterThan: 2 }, it)).toBe(true)
    expect(conditionHolds({ path: 'deep.x', equals: [1] }, it)).toBe(true)
    expect(conditionHolds({ equals: 1 }, 1)).toBe(true)
    expect(conditionHolds({ path: 'kind.length', exists: true }, it)).toBe(false)
  })
})

describe('config', () => {
  it.each([
    [{ budgets: {} }, /budget/],
    [{ budget: { steps: 0 } }, /steps/],
    [{ budget: { cost: -1 } }, /cost/],
    [{ budget: { depth: 5_000 } }, /1000/],
    [{ timeouts: { step: 30 } }, /duration/],
    [{ timeouts: { steps: '1s' } }, /steps/],
    [{ join: { ratio: 1.5 } }, /ratio/],
    [{ join: { ratio: -0.1 } }, /ratio/],
    [{ join: { quorum: 0 } }, /quorum/],
    [{ join: { quorum: 1.5 } }, /quorum/],
    [{ join: 'most' }, /all/],
    [{ onFailure: 'panic' }, /failFast/],
    [{ onError: { '*': {} } }, /must have retry, agent, value or ask/],
    [{ onError: { '*': { agent: 'A', value: 1 } } }, /exclude/],
    [{ onError: { '*': 'retry' } }, /must be/],
    [{ onError: { '*': { ask: false } } }, /must have retry, agent, value or ask/],
    [{ onError: { '*': { retry: 2, ask: 'yes' } } }, /true or false/],
    [{ onError: { '*': { value: 1, ask: true } } }, /nothing to ask/],
    [{ retry: { attempts: 0 } }, /attempts/],
    [{ guards: { pingPong: { hops: 1 } } }, /hops/],
    [{ allowParallel: 'no' }, /true or false/],
    [{ verbosity: 'loud' }, /quiet/],
  ])('The run config %j is rejected with a reason.', (config, problem) =>
    expect(() => readConfig(config as never)).toThrow(problem),
  )
  it('An error route to an agent that the team lacks is rejected.', () => {
    const { topology } = new MachineTestbed(team('A', ['A -> End']), { A: () => value(1) }).pinned
    expect(() => readConfig({ onError: { '*': { agent: 'B' } } }, topology)).toThrow(/no agent B/)
    expect(readConfig({ onError: { timeout: { agent: { name: 'A' }, retry: 3 } } }, topology).onError).toEqual({
      timeout: { agent: 'A', retry: { attempts: 3, backoff: 1_000 } },
    })
  })
})

it('Agents with names of object members are handled as any other agent.', () => {
  const names = 'constructor __proto__ toString'
  const flows = [
    'Start -> constructor',
    'constructor => {__proto__, toString}',
    '{__proto__, toString} -> valueOf',
    'valueOf -> End',
  ]
  const stubs = Object.assign(Object.create(null), {
    constructor: () => value(1),
    toString: () => value('t'),
    valueOf: (i: Json) => finish(valuesIn(i)),
  })
  Object.defineProperty(stubs, '__proto__', { value: () => value('p'), enumerable: true })
  const testbed = new MachineTestbed(team(`${names} valueOf`, flows), stubs).runUntilIdle()
  expect(testbed.result.response).toEqual(['p', 't'])
  expect(saveState(loadState(saveState(testbed.state)))).toEqual(saveState(testbed.state))
})

it('A join does not wait for a path through the agent that waits for a branch, and opens again if the branch hands off to it.', () => {
  const flows = [
    'Start -> L',
    'L <-> B',
    'L -> M',
    'L -> End',
    'B -> C',
    'B -> D',
    'B -> E',
    'C -> L',
    'D -> M',
    'E -> M',
  ]
  const L: AgentStub = (input) =>
    resultsIn(input) ? finish(valuesIn(input)) : input === 'c' ? handOff('M', 'l') : invoke(['B', 'go'])
  const B: AgentStub = () => invoke(['C', 1], ['D', 2], ['E', 3])
  const C: AgentStub = () => ({ ...handOff('L', 'c'), after: 50 })
  const M: AgentStub = (input) => value(resultsIn(input) ? valuesIn(input) : input)
  const testbed = new MachineTestbed(team('L B C D E M', [...flows, 'M -> End']), {
    L,
    B,
    C,
    D: () => value('d'),
    E: () => value('e'),
    M,
  }).runUntilIdle()
  const merged = ['d', 'e'].map((v) => expect.objectContaining({ value: v }))
  expect(testbed.inputsOf('M')).toEqual([{ results: merged }, 'l'])
  expect(testbed.result).toMatchObject({ status: 'completed', response: [['l', ['d', 'e']]] })
})
