/** Shapes of teams that hardly anybody draws, and what becomes of failures in them. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { agent, drawn, slow, team } from './machine-teams.test.fixture.ts'
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
import { transition } from './transition.ts'

const error = { name: 'E', code: 'c', message: 'm', retryable: false }

describe('a person', () => {
  it('A branch that reaches User without outgoing edges ends there, beside other branches.', () => {
    const flows = ['Start -> A', 'A -> User', 'A -> B', 'B -> End']
    const testbed = new MachineTestbed(team('A B', flows), {
      A: () => invoke(['User', 'told'], ['B', 1]),
      B: () => value('b'),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['told', 'b'], questions: [] })
  })
})

describe('failures', () => {
  it('A failure while the run fails only ends the remaining branches.', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D -> End']
    const stubs = { A: () => value(1), B: () => fails('no', 5), C: () => fails('too', 5) }
    const ruled = new MachineTestbed(team('A B C D', flows), stubs, { onError: { '*': { retry: 2 } } }).runUntilIdle()
    expect(ruled.result).toMatchObject({ status: 'failed', error: { code: 'retries.exhausted' } })
    const testbed = new MachineTestbed(team('A B C D', flows), { ...stubs, C: slow(9_000, 50) }).run(1_010)
    expect(testbed.result.branchResults.find((b) => b.agent === 'C')?.status).not.toBe('completed')
    testbed.apply({ at: 1_020, type: 'step.failed', step: '1/1.2#1', error })
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })
  it('A failure is routed by the code in its details, to an agent that is named by its label.', () => {
    const twice = drawn({ A: 'A', first: 'Twice' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'first', 'invoke'],
      ['first', 'End', 'invoke'],
    ])
    const detailed: AgentStub = () => ({ error: { ...error, details: { code: 'x.y' } } })
    const testbed = new MachineTestbed(
      twice,
      { A: detailed, Twice: (i) => finish({ got: i }) },
      { onError: { 'x.y': { agent: 'Twice' } } },
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: { got: 'go' } })
  })
  it('A failure with a retry delay of zero is retried at once.', () => {
    const testbed = new MachineTestbed(
      team('A', ['A -> End']),
      { A: (_, __, n) => (n < 3 ? fails('no') : finish('yes')) },
      { onError: { '*': { retry: { attempts: 3, backoff: '0s' } } } },
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({ response: 'yes', durationMs: 0 })
  })
  it('A failure in a cancelled run leaves the run cancelled.', () => {
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: slow(9_000, 50) })
    testbed.apply({ at: 2_000, type: 'cancel', by: 'ada' })
    expect(testbed.runUntilIdle().result.status).toBe('cancelled')
  })
  it('A cancel ends a run at once while it waits for its next attempt.', () => {
    const testbed = new MachineTestbed(
      team('A', ['A -> End']),
      { A: () => fails('no') },
      { retry: { attempts: 3, backoff: '1h' } },
    ).run(2_000)
    expect(testbed.state.run.retryTimer).toBe('run-retry:2')
    const { commands } = transition(testbed.state, { at: 2_000, type: 'cancel', by: 'ada' })
    expect(testbed.result.status).toBe('cancelled')
    const cleared = commands.flatMap((command) => (command.type === 'timer.clear' ? [command.name] : []))
    expect(cleared.sort()).toEqual(['run-retry:2', 'time'])
  })
})

describe('guards', () => {
  it('The hop and branch budgets stop a notification, fork or fan-out that exceeds them.', () => {
    const flows = ['Start -> A', 'A -> End', 'A -> B', 'A -> C', 'B -> End', 'C -> End']
    const run = (budget: object, more: readonly string[], stub: AgentStub) =>
      new MachineTestbed(
        team('A B C', [...flows, ...more]),
        { A: stub, B: () => value('b'), C: () => value('c') },
        { budget },
      ).runUntilIdle().result
    const both = () => invoke(['B', 1], ['C', 2])
    expect(run({ hops: 1 }, [], both)).toMatchObject({ status: 'failed', guard: { name: 'hops' } })
    const notifying = drawn({ A: 'A', B: 'B', C: 'C' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'B', 'notify'],
      ['A', 'C', 'notify'],
      ['A', 'End', 'invoke'],
    ])
    const notified = new MachineTestbed(notifying, { A: () => value(1) }, { budget: { hops: 1 } }).runUntilIdle()
    expect(notified.result).toMatchObject({ guard: { name: 'hops' } })
    const person = new MachineTestbed(
      team('A B C', ['Start -> A', 'A -> User', 'User -> B', 'User -> C', 'B -> End', 'C -> End']),
      {
        A: () => value('?'),
        B: () => value('b'),
        C: () => value('c'),
      },
      { budget: { hops: 2 } },
    ).runUntilIdle()
    person.answer(person.result.questions[0]?.id ?? '', 'x')
    expect(person.result).toMatchObject({ guard: { name: 'hops' } })
  })
  it('A guard that a step reports without details is named by its error code.', () => {
    const testbed = new MachineTestbed(team('A', ['A -> End']), {
      A: () => ({ error: { ...error, code: 'guard.repetition' } }),
    }).runUntilIdle()
    expect(testbed.result.guard?.name).toBe('repetition')
    const budget = new MachineTestbed(team('A', ['A -> End']), {
      A: () => ({ error: { ...error, code: 'budget.exceeded' } }),
    }).runUntilIdle()
    expect(budget.result.guard).toMatchObject({ name: 'budget', limit: 0, used: 0 })
  })
})

describe('an agent', () => {
  const flows = ['Start -> A', 'A <-> B', 'A -> End']
  const errorOf = (stub: AgentStub, form: object = team('A B', flows)) =>
    new MachineTestbed(form as never, { A: stub, B: () => value('b') }).runUntilIdle().result.error?.message
  it('An agent that invokes no agent, or along an edge whose condition does not hold, gets an error with what it may do.', () => {
    expect(errorOf(() => invoke())).toMatch(/invokes no agent/)
    const form = {
      nodes: [
        { name: 'Start', kind: 'start' },
        { name: 'A', kind: 'agent', agent: agent('A') },
        { name: 'B', kind: 'agent', agent: agent('B') },
        { name: 'End', kind: 'end' },
      ],
      edges: [
        { from: 'Start', to: 'A', type: 'invoke' },
        { from: 'A', to: 'B', type: 'invoke', when: { equals: 'yes' } },
        { from: 'A', to: 'End', type: 'invoke' },
        { from: 'B', to: 'End', type: 'invoke' },
      ],
    }
    expect(errorOf(() => invoke(['B', 'no']), form)).toMatch(/condition on the way to B/)
    expect(errorOf(() => handOff('B', 'no'), form)).toMatch(/condition on the way to B/)
  })
  it('An agent without an edge to End gets an error when it finishes the run.', () => {
    expect(
      errorOf(
        (_, command) => (command.flow.finish ? value(1) : finish(1)),
        team('A B', ['Start -> A', 'A -> B', 'B -> End']),
      ),
    ).toMatch(/cannot finish here/)
  })
  it('An agent that hands to User without outgoing edges ends its branch there.', () => {
    const to = (stub: AgentStub) =>
      new MachineTestbed(team('A B', ['Start -> A', 'A -> User', 'A -> B', 'B -> End']), { A: stub }).runUntilIdle()
        .result
    expect(to(() => invoke(['User', 'bye']))).toMatchObject({ status: 'completed', response: 'bye' })
    expect(to(() => handOff('User', 'bye'))).toMatchObject({ status: 'completed', response: 'bye' })
  })
  it('An agent without targets gets an error that it cannot hand off.', () => {
    const form = drawn({ A: 'A', B: 'B' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'B', 'notify'],
      ['A', 'End', 'invoke'],
      ['B', 'End', 'invoke'],
    ])
    expect(errorOf(() => handOff('B', 1), form)).toMatch(/cannot hand off to B/)
  })
  it('A stream edge names its target in the step command.', () => {
    const form = drawn({ A: 'A', B: 'B' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'B', 'stream'],
      ['B', 'End', 'invoke'],
    ])
    const testbed = new MachineTestbed(form, { A: () => value(1), B: (i) => finish(i) }).runUntilIdle()
    expect(testbed.calls[0]?.command.streamTo).toEqual(['B'])
  })
  it('An agent with two nodes is named by its node where the agent name is ambiguous.', () => {
    const form = drawn({ A: 'A', left: 'Twice', right: 'Twice' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'left', 'invoke'],
      ['A', 'right', 'invoke'],
      ['left', 'End', 'invoke'],
      ['right', 'End', 'invoke'],
    ])
    const testbed = new MachineTestbed(form, { A: () => handOff('right', 1), Twice: () => value(2) }).runUntilIdle()
    expect(testbed.calls[0]?.command.flow.invoke).toEqual(['left', 'right'])
    expect(testbed.result).toMatchObject({ status: 'completed', response: 2 })
  })
})

describe('joins', () => {
  it('A satisfied join cancels only the branches that could still have reached it.', () => {
    const flows = ['Start -> A', 'A => {B, C, D, X}', '{C, D} -> N', '{B, N} -> M', 'M -> End', 'X -> End']
    const testbed = new MachineTestbed(team('A B C D X N M', flows, { nodes: { M: { join: 'any' } } }), {
      A: () => value(1),
      B: () => value('b', 5),
      C: () => value('c', 1),
      D: slow(),
      X: () => value('x', 50),
      M: (i) => finish(valuesIn(i)),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: [['b'], 'x'], durationMs: 50 })
    expect(testbed.of('join.completed').find((e) => e.joinId.startsWith('@N'))).toMatchObject({
      satisfied: false,
      arrived: 1,
    })
  })
  it('A join with a quorum ignores a failure that leaves enough branches.', () => {
    const flows = ['Start -> A', 'A => {B, C, D}', '{B, C, D} -> M', 'M -> End']
    const testbed = new MachineTestbed(team('A B C D M', flows, { nodes: { M: { join: { quorum: 2 } } } }), {
      A: () => value(1),
      B: () => value('b'),
      C: () => fails('no', 5),
      D: () => value('d', 9),
      M: (i) => finish(valuesIn(i)),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['b', null, 'd'] })
  })
  it('Two joins that fail at once end the run once.', () => {
    const flows = ['Start -> A', 'A => {B, C, D}', 'B -> M', 'C -> N', 'D -> M', 'D -> N', 'D -> End', '{M, N} -> End']
    const join = { join: { quorum: 2 } }
    const testbed = new MachineTestbed(team('A B C D M N', flows, { nodes: { M: join, N: join } }), {
      A: () => value(1),
      B: () => value('b'),
      C: () => value('c'),
      D: () => finish('d', 9),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'failed', error: { code: 'join.unsatisfied' } })
    expect(testbed.of('group.failed')).toHaveLength(1)
  })
  it('Joins that wait only for each other and cannot be satisfied fail the run.', () => {
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
    const join = { join: { quorum: 2 } }
    const testbed = new MachineTestbed(team('A B C X Y M1 M2', flows, { nodes: { M1: join, M2: join } }), {
      A: () => value(1),
      B: () => value('b'),
      C: () => value('c'),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'failed', error: { code: 'join.unsatisfied' } })
  })
  it('An agent that only one request targets is executed without a join.', () => {
    const flows = ['Start -> A', 'A -> M', 'A -> B', 'A -> C', 'B -> M', 'C -> End', 'M -> End']
    const testbed = new MachineTestbed(team('A B C M', flows), {
      A: () => invoke(['M', 'm'], ['C', 'c']),
      C: (i) => value(i),
      M: (i) => value(i),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['m', 'c'] })
    expect(testbed.of('join.opened')).toEqual([])
  })
})

describe('branches', () => {
  it('A branch that stops slowly while its group fails ends with the group.', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D -> End']
    const testbed = new MachineTestbed(
      team('A B C D', flows),
      { A: () => value(1), B: slow(9_000, 500), C: () => fails('no', 300) },
      { timeouts: { branch: '100ms' }, onError: { timeout: { value: 1 } } },
    ).runUntilIdle()
    expect(testbed.result.status).toBe('failed')
    expect(testbed.result.branchResults.map((b) => b.status)).not.toContain('running')
  })
  it('A branch that waits for its next attempt is cancelled with the run.', () => {
    const testbed = new MachineTestbed(
      team('A', ['A -> End']),
      { A: () => fails('no') },
      { onError: { '*': { retry: { attempts: 3, backoff: '1h' } } } },
    ).run(2_000)
    expect(testbed.state.branches.delayedCount).toBe(1)
    testbed.apply({ at: 2_000, type: 'cancel', by: 'ada' })
    expect(testbed.result.status).toBe('cancelled')
    expect(testbed.state.branches.delayedCount).toBe(0)
  })
  it('A branch notifies along its notify edges while it fans out.', () => {
    const form = drawn({ A: 'A', B: 'B', C: 'C', D: 'D' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'B', 'invoke'],
      ['A', 'C', 'invoke'],
      ['A', 'D', 'notify'],
      ['B', 'End', 'invoke'],
      ['C', 'End', 'invoke'],
    ])
    const fanned = {
      ...(form as object),
      edges: (form as { edges: { to: string }[] }).edges.map((e) => ('BC'.includes(e.to) ? { ...e, fanOut: true } : e)),
    } as never
    const testbed = new MachineTestbed(fanned, {
      A: () => value('x'),
      B: (i) => value(i),
      C: (i) => value(i),
      D: () => value('d'),
    }).runUntilIdle()
    expect(testbed.result.response).toEqual(['x', 'x'])
    expect(testbed.inputsOf('D')).toEqual(['x'])
  })
  it('A branch whose value fits no condition fails with an error that names the ambiguity.', () => {
    const form = {
      nodes: [
        { name: 'Start', kind: 'start' },
        { name: 'A', kind: 'agent', agent: agent('A') },
        { name: 'B', kind: 'agent', agent: agent('B') },
        { name: 'C', kind: 'agent', agent: agent('C') },
        { name: 'End', kind: 'end' },
      ],
      edges: [
        { from: 'Start', to: 'A', type: 'invoke' },
        { from: 'A', to: 'B', type: 'invoke', when: { equals: 'b' } },
        { from: 'A', to: 'C', type: 'invoke', when: { equals: 'c' } },
        { from: 'B', to: 'End', type: 'invoke' },
        { from: 'C', to: 'End', type: 'invoke' },
      ],
    } as never
    const testbed = new MachineTestbed(form, { A: () => value('neither') }).runUntilIdle()
    expect(testbed.calls[0]?.command.flow.value).toBe('along')
    expect(testbed.result.error?.message).toMatch(/more than one way to go, or none/)
  })
})

it('A nested team is invoked by its own name if exactly one edge leads into it.', () => {
  const [a, b, c] = ['A', 'B', 'C'].map(agent)
  const form = {
    agents: [a, { name: 'Team', topology: { agents: [b, c], flows: ['Start -> B', 'B -> C', 'C -> End'] } }],
    flows: ['Start -> A', 'A <-> Team', 'A -> End'],
  }
  const testbed = new MachineTestbed(form as never, {
    A: (input) => (resultsIn(input) ? finish(valuesIn(input)) : invoke(['Team', 1])),
    B: (n) => value(Number(n) + 1),
    C: (n) => value(Number(n) * 10),
  }).runUntilIdle()
  expect(testbed.result.response).toEqual([20])
  const twice = { agents: [b, c], flows: ['Start -> B', 'Start -> C', 'B -> End', 'C -> End'] }
  const either = { agents: [a, { name: 'Team', topology: twice }], flows: ['Start -> A', 'A <-> Team', 'A -> End'] }
  const rejected = new MachineTestbed(either as never, { A: () => invoke(['Team', 1]) }).runUntilIdle()
  expect(rejected.result.error?.message).toMatch(/cannot invoke Team/)
})

it('A result names its agent or nested team as the caller invoked it, at each depth.', () => {
  const [a, b, c] = ['A', 'B', 'C'].map(agent)
  const team = { agents: [b, c], flows: ['Start -> B', 'B -> C', 'C -> End'] }
  const inner = { agents: [a, { name: 'Team', topology: team }], flows: ['Start -> A', 'A <-> Team', 'A -> End'] }
  const lead = agent('Lead')
  const outer = {
    agents: [lead, { name: 'Outer', topology: inner }],
    flows: ['Start -> Lead', 'Lead <-> Outer', 'Lead -> End'],
  }
  const names = (input: Json) => (resultsIn(input) ?? []).map((result) => result.agent)
  const found: string[] = []
  const testbed = new MachineTestbed(outer as never, {
    Lead: (input) => (resultsIn(input) ? finish([...found, ...names(input)]) : invoke(['Outer', 1])),
    A: (input) => {
      found.push(...names(input))
      return resultsIn(input) ? finish(valuesIn(input)) : invoke(['Team', 1], ['B', 2], ['Outer/Team/B', 3])
    },
    B: (n) => value(Number(n) + 1),
    C: (n) => value(Number(n) * 10),
  }).runUntilIdle()
  expect(testbed.result.response).toEqual(['Team', 'B', 'Outer/Team/B', 'Outer'])
})
