import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import type { RunConfig } from '../../../topology/canonical/run-config.ts'
import { agent, fan, hub, leaf, team } from '../machine-teams.test.fixture.ts'
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
} from '../machine-testbed.test.fixture.ts'

describe('timeouts', () => {
  const solo = (a: AgentStub, config: RunConfig) =>
    new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: a }, config).runUntilIdle()
  it.each(['run', 'step', 'branch'] as const)('The %s timeout fails the run at its duration.', (kind) => {
    const { result } = solo(leaf(1, 25_000), { timeouts: { [kind]: '300ms' } })
    expect(result).toMatchObject({
      status: 'failed',
      durationMs: 300,
      error: { name: 'TimeoutError', message: expect.stringContaining(`${kind} timeout`) },
    })
  })
  it('A branch timeout leaves the sibling branch alone.', () => {
    const flows = ['Start -> Lead', 'Lead <-> Tick', 'Lead <-> B1', 'Tick <-> Tock', 'Lead -> End']
    const testbed = new MachineTestbed(
      team('Lead Tick Tock B1', flows),
      {
        Lead: (i) =>
          resultsIn(i)
            ? finish((resultsIn(i) ?? []).map((r) => r.value ?? r.error?.message ?? null))
            : invoke(['Tick', 1], ['B1', 1]),
        Tick: (n) => handOff('Tock', n, 60),
        Tock: (n) => handOff('Tick', n, 60),
        B1: leaf('b1'),
      },
      { timeouts: { branch: '400ms' }, onFailure: 'collect', guards: { pingPong: false, noProgress: false } },
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({
      status: 'completed',
      response: [expect.stringContaining('branch timeout'), 'b1'],
    })
  })
  it('An acquisition timeout fails a branch that waits for an instance of a pool.', () => {
    const lead: AgentStub = (i) =>
      resultsIn(i)
        ? finish((resultsIn(i) ?? []).map((r) => (r.success ? 'ok' : (r.error?.message ?? ''))))
        : invoke(['Member', 1], ['Member', 2])
    const form = team('Lead Member', ['Start -> Lead', 'Lead <-> Member', 'Lead -> End'], {
      pools: { Member: { size: 1 } },
    })
    const testbed = new MachineTestbed(
      form,
      { Lead: lead, Member: leaf(1, 1_500) },
      { timeouts: { acquisition: '200ms' }, onFailure: 'collect' },
    ).runUntilIdle()
    expect(testbed.result.response).toEqual(['ok', expect.stringContaining('acquisition timeout')])
    const withoutTimeout = new MachineTestbed(form, { Lead: lead, Member: leaf(1, 1_500) }).runUntilIdle()
    expect(withoutTimeout.result).toMatchObject({ response: ['ok', 'ok'], durationMs: 3_000 })
  })
})

describe('guards', () => {
  const off = { pingPong: false, repetition: false, noProgress: false } as const
  it('The step budget counts the steps of all branches, and the result contains what was found so far.', () => {
    let n = 0
    const testbed = hub(
      ['B1', 'B2'],
      { B1: (i) => value(`finding ${i} ${++n}`), B2: (i) => value(`finding ${i} ${++n}`) },
      { budget: { steps: 20 }, guards: off },
      () => invoke(['B1', ++n], ['B2', ++n]),
    )
    expect(testbed.result).toMatchObject({
      status: 'failed',
      guard: { name: 'steps', limit: 20 },
      error: { name: 'BudgetExceededError' },
    })
    expect(testbed.result.totalSteps).toBe(20)
    expect(JSON.stringify(testbed.result.response)).toMatch(/finding/)
  })
  it('The depth budget stops agents that invoke each other.', () => {
    const deep = new MachineTestbed(
      team('A B', ['Start -> A', 'A <-> B', 'B -> End', 'A -> End']),
      { A: () => invoke(['B', 1]), B: () => invoke(['A', 1]) },
      { budget: { depth: 7 }, guards: off },
    ).runUntilIdle()
    expect(deep.result.guard).toMatchObject({ name: 'depth', limit: 7 })
  })
  it.each([
    [{ hops: 30 }, { name: 'hops', used: 30 }],
    [{ time: '1s' }, { name: 'time' }],
  ] as const)('The budget %j stops agents that hand off in circles.', (budget, guard) => {
    const ticking = { A: (n: Json) => handOff('B', n, 10), B: (n: Json) => handOff('A', n, 10) }
    const loop = team('A B', ['Start -> A', 'A <-> B', 'A -> End'])
    const { result } = new MachineTestbed(loop, ticking, { budget, guards: off }).runUntilIdle()
    expect(result.guard).toMatchObject(guard)
  })
  it('The ping-pong guard stops hand-offs within 20 hops, but not a bounded conversation.', () => {
    const ticking = { A: (n: Json) => handOff('B', n), B: (n: Json) => handOff('A', n) }
    const testbed = new MachineTestbed(team('A B', ['Start -> A', 'A <-> B', 'A -> End']), ticking, {
      guards: { noProgress: false },
    }).runUntilIdle()
    expect(testbed.result.guard?.name).toBe('pingPong')
    expect(testbed.result.totalSteps).toBeLessThanOrEqual(21)
    const talk = new MachineTestbed(
      team('A B', ['Start -> A', 'A <~> B', 'A -> End'], { edges: { 'A <~> B': { maxTurns: 40 } } }),
      { A: (i) => value(Number(i) + 1), B: (i) => value(Number(i) + 1) },
      {},
      0,
    ).runUntilIdle()
    expect(talk.result).toMatchObject({ status: 'completed', response: 40, totalSteps: 40 })
  })
  it('The no-progress guard stops a branch that repeats itself.', () => {
    const testbed = hub(['B'], { B: leaf('same') }, { guards: { noProgress: { steps: 10 } } }, () => invoke(['B', 1]))
    expect(testbed.result.guard?.name).toBe('noProgress')
    expect(testbed.result.totalSteps).toBeLessThan(30)
  })
  it('The deadlock guard names all agents that wait for each other.', () => {
    const knot =
      (other: string): AgentStub =>
      () => ({ request: { to: other, payload: 1 }, next: () => value(1), after: 30 })
    const testbed = hub(['Xavier', 'Yvonne'], { Xavier: knot('Yvonne'), Yvonne: knot('Xavier') })
    expect(testbed.result).toMatchObject({
      status: 'failed',
      guard: { name: 'deadlock' },
      error: { code: 'run.deadlock' },
    })
    expect(testbed.result.error?.message).toMatch(/Xavier.*Yvonne|Yvonne.*Xavier/)
  })
  it('The branch budget counts open branches, those that wait for their turn included.', () => {
    const fanOut = (wide: number, config: RunConfig) =>
      hub(['B'], { B: leaf(1) }, { maxParallelBranches: 2, ...config }, (i) =>
        resultsIn(i) ? finish('met') : invoke(...Array.from({ length: wide }, (): [string, Json] => ['B', 1])),
      ).result
    expect(fanOut(9, { budget: { branches: 10 } })).toMatchObject({ status: 'completed' })
    const guard = { name: 'branches', limit: 10, used: 11 }
    expect(fanOut(10, { budget: { branches: 10 } })).toMatchObject({ status: 'failed', totalSteps: 1, guard })
    expect(fanOut(2_000, {}).guard).toEqual({ name: 'branches', limit: 2_000, used: 2_001 })
    const entries = new MachineTestbed(
      team('A B', ['Start -> A', 'Start -> B', 'A -> End', 'B -> End']),
      { A: leaf(1), B: leaf(1) },
      { budget: { branches: 1 } },
    ).runUntilIdle()
    expect(entries.result).toMatchObject({ status: 'failed', totalSteps: 0, guard: { name: 'branches', used: 2 } })
  })
  it('A team without a budget is stopped after an hour of work, and after 10,000 steps or hops.', () => {
    const ticking = (after: number) => ({
      A: (n: Json) => handOff('B', n, after),
      B: (n: Json) => handOff('A', n, after),
    })
    const loop = team('A B', ['Start -> A', 'A <-> B', 'A -> End'])
    const guardAfter = (after: number) =>
      new MachineTestbed(loop, ticking(after), { guards: off }).runUntilIdle().result.guard
    expect(guardAfter(60_000)).toEqual({ name: 'time', limit: 3_600_000, used: 3_600_000 })
    expect(guardAfter(1)).toMatchObject({ limit: 10_000, used: 10_000 })
  })
  it('A run fails with the guard that a step reports.', () => {
    const testbed = hub(['B'], { B: () => fails('repeats', 0, 'guard.repetition') })
    expect(testbed.result).toMatchObject({ status: 'failed', guard: { name: 'repetition' } })
  })
  it('A run fails with the journal guard if the journal of a step is full.', () => {
    const full = hub(['B'], { B: () => fails('full', 0, 'journal.full') }, { onFailure: 'collect' })
    expect(full.result).toMatchObject({ status: 'failed', guard: { name: 'journal' } })
  })
  it('A run fails with the budget that a step was rejected.', () => {
    const tokens = new MachineTestbed(team('A', ['A -> End']), { A: leaf(1, 99) })
    tokens.apply({ at: 2_000, type: 'budget.rejected', step: '1#1', budget: 'tokens', used: 340, limit: 350 })
    expect(tokens.runUntilIdle().result).toMatchObject({
      status: 'failed',
      guard: { name: 'tokens', used: 340, limit: 350 },
    })
  })
  it('A rejected budget says that the next call needs more than is left, or that steps in progress hold the rest.', () => {
    for (const [needed, text] of [
      [125, '0 of 700 used, the next call needs 125, and steps in progress hold the rest.'],
      [701, '0 of 700 used, and the next call needs 701.'],
    ] as const) {
      const testbed = new MachineTestbed(team('A', ['A -> End']), { A: leaf(1, 99) })
      testbed.apply({ at: 2_000, type: 'budget.rejected', step: '1#1', budget: 'tokens', limit: 700, needed })
      expect(testbed.runUntilIdle().result.error?.message).toContain(text)
    }
  })
  it('A rejected budget reports what was used when it was rejected.', () => {
    for (const [budget, limit, used] of [
      ['tokens', 350, 110],
      ['cost', 0.5, 0.25],
    ] as const) {
      const testbed = new MachineTestbed(team('A', ['A -> End']), { A: leaf(1, 99) })
      const usage = { inputTokens: 100, outputTokens: 10, cost: 0.25 }
      testbed.apply({ at: 2_000, type: 'budget.rejected', step: '1#1', budget, limit, usage })
      expect(testbed.runUntilIdle().result).toMatchObject({
        guard: { name: budget, used, limit },
        usage: { inputTokens: 100 },
      })
      const first = new MachineTestbed(team('A', ['A -> End']), { A: leaf(1, 99) })
      first.apply({ at: 2_000, type: 'budget.rejected', step: '1#1', budget, limit })
      expect(first.runUntilIdle().result).toMatchObject({ guard: { name: budget, used: 0, limit } })
    }
  })
})

describe('requests', () => {
  it('A request is a step of its own whose outcome is the reply.', () => {
    const testbed = hub(
      ['A'],
      { A: () => ({ request: { to: 'Oracle', payload: 6 }, next: (v) => value(v as Json) }) },
      {},
      fan('A'),
    )
    expect(testbed.result.error ?? testbed.result.response).toBeDefined()
    const form = team('A Oracle', ['Start -> A', 'A -> Oracle', 'A -> End', 'Oracle -> End'])
    const asked = new MachineTestbed(
      form,
      {
        A: () => ({ request: { to: 'Oracle', payload: 6 }, next: (v) => finish(v as Json) }),
        Oracle: (i) => value(Number(i) * 7, 5),
      },
      { allowParallel: false },
    ).runUntilIdle()
    expect(asked.result).toMatchObject({ status: 'completed', response: 42, totalSteps: 2 })
  })
  it('A request fails with a TimeoutError at its deadline.', () => {
    const form = team('A Oracle', ['Start -> A', 'A -> Oracle', 'A -> End', 'Oracle -> End'])
    const testbed = new MachineTestbed(form, {
      A: () => ({
        request: { to: 'Oracle', payload: 6, deadlineAfter: 50 },
        next: (e) => finish((e as { name: string }).name),
      }),
      Oracle: leaf(1, 99_000),
    }).runUntilIdle()
    expect(testbed.result.response).toBe('TimeoutError')
  })
})

describe('people', () => {
  const ask =
    (kind: 'question' | 'choice', more: object = {}): AgentStub =>
    () => ({ ask: { kind, text: 'Which?', ...more }, next: (a) => finish(a as Json) })
  const solo = (a: AgentStub, config: RunConfig = {}) =>
    new MachineTestbed(team('A', ['Start -> A', 'A -> User', 'User -> A', 'A -> End']), { A: a }, config).runUntilIdle()
  it('A question waits for an answer that fits, and its first answer counts.', () => {
    const testbed = solo(ask('choice', { options: ['red', 'blue'] }))
    expect(testbed.result).toMatchObject({
      status: 'waiting',
      reason: 'question',
      success: false,
      questions: [{ agent: 'A', options: ['red', 'blue'] }],
    })
    const id = testbed.result.questions[0]?.id ?? ''
    expect(testbed.answer(id, 'green')).toEqual([])
    testbed.answer(id, 'red')
    expect(testbed.answer(id, 'blue')).toEqual([])
    expect(testbed.runUntilIdle().result.response).toBe('red')
  })
  it('A value sent to User becomes a question if User has outgoing edges, and is the response otherwise.', () => {
    const testbed = new MachineTestbed(team('A', ['Start -> A', 'A -> User', 'User -> A', 'A -> End']), {
      A: (i, _, n) => (n === 1 ? handOff('User', 'Colour?') : finish(i)),
    }).runUntilIdle()
    expect(testbed.result.questions).toMatchObject([{ text: 'Colour?' }])
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'green')
    expect(testbed.runUntilIdle().result.response).toBe('green')
    expect(
      new MachineTestbed(team('A', ['Start -> A', 'A -> User']), { A: leaf('said') }).runUntilIdle().result.response,
    ).toBe('said')
  })
  it('A human timeout gives the default answer, or fails the question.', () => {
    const late = solo(ask('question', { timeout: '100ms', default: 'none' }))
    expect(late.run().result.response).toBe('none')
    const never = solo(
      () => ({ ask: { kind: 'question', text: '?' }, next: (e) => finish((e as { name: string }).name) }),
      { timeouts: { human: '1s' } },
    )
    expect(never.run().result.response).toBe('TimeoutError')
  })
  it('The deadline of a join is suspended while every missing branch waits for a person.', () => {
    const names = ['A', 'B']
    const testbed = hub(names, { A: ask('question'), B: leaf('b', 100) }, { deadline: '1s' })
    testbed.run()
    expect(testbed.result).toMatchObject({ status: 'waiting', reason: 'question' })
    testbed.now = 1_000_000
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'late')
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'completed', response: ['late', 'b'] })
  })
})

describe('pausing and cancelling', () => {
  it('A paused run lets steps finish, starts none, and resumes.', () => {
    const testbed = new MachineTestbed(
      team('A B', ['A -> B']),
      { A: leaf(1, 50), B: leaf(2, 50) },
      { timeouts: { run: '1s' } },
    )
    testbed.apply({ at: 1_010, type: 'pause', by: 'ada' })
    testbed.run(500_000)
    expect(testbed.result).toMatchObject({ status: 'waiting', reason: 'paused', totalSteps: 1 })
    testbed.apply({ at: testbed.now, type: 'resume', by: 'ada' })
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'completed', response: 2 })
  })
  it('A cancelled run cancels the steps in progress and awaits them.', () => {
    const testbed = new MachineTestbed(team('Lead A B', ['Start -> Lead', 'Lead <-> A', 'Lead <-> B', 'Lead -> End']), {
      Lead: fan('A', 'B'),
      A: () => ({ ...value(1, 5_000), stopsAfter: 40 }),
      B: leaf(2, 5_000),
    })
    testbed.run(1_100)
    testbed.apply({ at: testbed.now, type: 'cancel', by: 'ada' })
    testbed.runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'cancelled', success: false, durationMs: 140 })
    expect(testbed.result.branchResults.every((b) => b.status === 'cancelled')).toBe(true)
  })
})

describe('other edges', () => {
  const form = (type: string) => ({
    nodes: [
      { name: 'Start', kind: 'start' as const },
      { name: 'A', kind: 'agent' as const, agent: agent('A') },
      { name: 'B', kind: 'agent' as const, agent: agent('B') },
      { name: 'C', kind: 'agent' as const, agent: agent('C') },
      { name: 'End', kind: 'end' as const },
    ],
    edges: [
      { from: 'Start', to: 'A' },
      { from: 'A', to: 'B', type: type as 'notify' },
      { from: 'A', to: 'C' },
      { from: 'C', to: 'End' },
    ],
  })
  it('A notification is not awaited, but the run ends after it, and its failure fails no other branch.', () => {
    const testbed = new MachineTestbed(form('notify'), {
      A: leaf('news'),
      B: leaf('heard', 500),
      C: leaf('c'),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', response: 'c', durationMs: 500 })
    expect(testbed.inputsOf('B')).toEqual(['news'])
    expect(
      new MachineTestbed(form('notify'), { A: leaf('news'), B: () => fails('no'), C: leaf('c') }).runUntilIdle().result
        .response,
    ).toBe('c')
  })
  it('A query edge calls an agent and returns its value.', () => {
    const testbed = new MachineTestbed(form('query'), {
      A: (i) => (resultsIn(i) ? value(valuesIn(i)[0] ?? null) : invoke(['B', 2])),
      B: (i) => value(Number(i) * 2),
      C: (i) => value(i),
    }).runUntilIdle()
    expect(testbed.result.response).toBe(4)
  })
  it('The conditions of edges choose the target of a value.', () => {
    const base = form('invoke')
    const when = {
      ...base,
      edges: [
        { from: 'Start', to: 'A' },
        { from: 'A', to: 'B', when: { path: 'kind', equals: 'bug' } },
        { from: 'A', to: 'C' },
        { from: 'B', to: 'End' },
        { from: 'C', to: 'End' },
      ],
    }
    const run = (kind: string) =>
      new MachineTestbed(when, { A: leaf({ kind }), B: leaf('b'), C: leaf('c') }).runUntilIdle().result.response
    expect([run('bug'), run('other')]).toEqual(['b', 'c'])
  })
})
