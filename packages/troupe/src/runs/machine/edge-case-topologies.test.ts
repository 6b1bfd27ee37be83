/** Shapes of teams that hardly anybody draws, and what becomes of failures in them. */
import { describe, expect, it } from 'vitest'
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
  it('without a way on ends the branch that comes there beside others', () => {
    const flows = ['Start -> A', 'A -> User', 'A -> B', 'B -> End']
    const testbed = new MachineTestbed(team('A B', flows), {
      A: () => invoke(['User', 'told'], ['B', 1]),
      B: () => value('b'),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['told', 'b'], questions: [] })
  })
})

describe('failures', () => {
  it('while the run goes down only end what is left', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D -> End']
    const stubs = { A: () => value(1), B: () => fails('no', 5), C: () => fails('too', 5) }
    const ruled = new MachineTestbed(team('A B C D', flows), stubs, { onError: { '*': { retry: 2 } } }).runUntilIdle()
    expect(ruled.result).toMatchObject({ status: 'failed', error: { code: 'retries.exhausted' } })
    const testbed = new MachineTestbed(team('A B C D', flows), { ...stubs, C: slow(9_000, 50) }).run(1_010)
    expect(testbed.result.branchResults.find((b) => b.agent === 'C')?.status).not.toBe('completed')
    testbed.apply({ at: 1_020, type: 'step.failed', step: '1/1.2#1', error })
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })
  it('are ruled by the code in their details, and go to an agent known by its label', () => {
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
  it('without a delay are tried again at once', () => {
    const testbed = new MachineTestbed(
      team('A', ['A -> End']),
      { A: (_, __, n) => (n < 3 ? fails('no') : finish('yes')) },
      { onError: { '*': { retry: { attempts: 3, backoff: '0s' } } } },
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({ response: 'yes', durationMs: 0 })
  })
  it('of a cancelled run end it as cancelled', () => {
    const testbed = new MachineTestbed(team('A', ['A -> End']), { A: slow(9_000, 50) })
    testbed.apply({ at: 2_000, type: 'cancel', by: 'ada' })
    expect(testbed.runUntilIdle().result.status).toBe('cancelled')
  })
  it('while a run waits for its next attempt, a cancel ends it at once', () => {
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
  it('stop notifications, forks and splits that are one too many', () => {
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
  it('that a step names oddly are told by the code', () => {
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
  it('that invokes nobody, or along a way whose condition does not hold, is told what it may do', () => {
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
  it('that may not finish is told so', () => {
    expect(
      errorOf(
        (_, command) => (command.flow.finish ? value(1) : finish(1)),
        team('A B', ['Start -> A', 'A -> B', 'B -> End']),
      ),
    ).toMatch(/cannot finish here/)
  })
  it('that hands to a person without a way on ends there', () => {
    const to = (stub: AgentStub) =>
      new MachineTestbed(team('A B', ['Start -> A', 'A -> User', 'A -> B', 'B -> End']), { A: stub }).runUntilIdle()
        .result
    expect(to(() => invoke(['User', 'bye']))).toMatchObject({ status: 'completed', response: 'bye' })
    expect(to(() => handOff('User', 'bye'))).toMatchObject({ status: 'completed', response: 'bye' })
  })
  it('with no way at all is told that nothing is allowed', () => {
    const form = drawn({ A: 'A', B: 'B' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'B', 'notify'],
      ['A', 'End', 'invoke'],
      ['B', 'End', 'invoke'],
    ])
    expect(errorOf(() => handOff('B', 1), form)).toMatch(/cannot hand off to B/)
  })
  it('streams its parts along a stream', () => {
    const form = drawn({ A: 'A', B: 'B' }, [
      ['Start', 'A', 'invoke'],
      ['A', 'B', 'stream'],
      ['B', 'End', 'invoke'],
    ])
    const testbed = new MachineTestbed(form, { A: () => value(1), B: (i) => finish(i) }).runUntilIdle()
    expect(testbed.calls[0]?.command.streamTo).toEqual(['B'])
  })
  it('of two places is named by place where its name is not enough', () => {
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
  it('that are met stop only those who could still have come', () => {
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
  it('forgive a failure that leaves enough', () => {
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
  it('that two of fail at once end the run once', () => {
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
  it('that wait for each other alone and cannot be met fail', () => {
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
  it('to which a request goes alone are just the next agent', () => {
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
  it('that stop slowly while their scope goes down end with it', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D -> End']
    const testbed = new MachineTestbed(
      team('A B C D', flows),
      { A: () => value(1), B: slow(9_000, 500), C: () => fails('no', 300) },
      { timeouts: { branch: '100ms' }, onError: { timeout: { value: 1 } } },
    ).runUntilIdle()
    expect(testbed.result.status).toBe('failed')
    expect(testbed.result.branchResults.map((b) => b.status)).not.toContain('running')
  })
  it('that wait for their next try are cancelled with the run', () => {
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
  it('tell on the side while they fan out', () => {
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
  it('whose value no condition takes are told so', () => {
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

it('a team inside a team is invoked by its own name too, where one way leads in', () => {
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
