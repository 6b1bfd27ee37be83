import { describe, expect, it } from 'vitest'
import { type Json, milliseconds } from '../../core/index.ts'
import type { RunConfig } from '../../topology/canonical/run-config.ts'
import { fan, hub, leaf, team } from './machine-teams.test.fixture.ts'
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

describe('lines', () => {
  it('A sequence of agents passes a plain value along its only edge, and ends with the last agent.', () => {
    const testbed = new MachineTestbed(team('A B C', ['A -> B', 'B -> C']), {
      A: (i) => value(`${i}>A`),
      B: (i) => value(`${i}>B`),
      C: (i) => value(`${i}>C`),
    }).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'completed', success: true, response: 'go>A>B>C', totalSteps: 3 })
    expect(testbed.result.branchResults).toEqual([
      { id: '1', agent: 'A', status: 'completed', success: true, value: 'go>A>B>C' },
    ])
  })
  it('A sequence of agents rejects a hand-off that the topology does not offer, and the error names the offered targets.', () => {
    const testbed = new MachineTestbed(team('A B C', ['A -> B', 'B -> C']), { A: () => handOff('C', 1) }).runUntilIdle()
    expect(testbed.result.error).toMatchObject({ code: 'outcome.invalid' })
    expect(testbed.result.error?.message).toMatch(/hand off to C.*hand off to B/)
  })
})

describe('fan-outs', () => {
  it('A fan-out executes the caller again with the results in the order of invocation.', () => {
    const testbed = hub(['B1', 'B2'], { B1: leaf('one', 200), B2: leaf('two', 100) })
    expect(testbed.result.response).toEqual(['one', 'two'])
    expect(testbed.inputsOf('Lead')[1]).toEqual({
      results: [
        { agent: 'B1', value: 'one', success: true },
        { agent: 'B2', value: 'two', success: true },
      ],
    })
  })
  it('Nested fan-outs execute every caller twice and complete every join once.', () => {
    const flows = [
      'Start -> A',
      'A <-> B1',
      'A <-> B2',
      'B1 <-> B11',
      'B1 <-> B12',
      'B2 <-> B21',
      'B2 <-> B22',
      'A -> End',
    ]
    const stubs = {
      A: fan('B1', 'B2'),
      B1: fan('B11', 'B12'),
      B2: fan('B21', 'B22'),
      B11: leaf(1),
      B12: leaf(2, 5),
      B21: leaf(3, 9),
      B22: leaf(4),
    }
    const testbed = new MachineTestbed(team('A B1 B2 B11 B12 B21 B22', flows), stubs).runUntilIdle()
    expect(testbed.result.response).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(testbed.of('join.completed')).toHaveLength(3)
    for (const name of ['A', 'B1', 'B2']) expect(testbed.inputsOf(name)).toHaveLength(2)
  })
  it('A fan-out invokes the same agent several times.', () => {
    const testbed = hub(['W'], { W: (i) => value(`w${i}`) }, {}, (i) =>
      resultsIn(i) ? finish(valuesIn(i)) : invoke(['W', 1], ['W', 2], ['W', 3]),
    )
    expect(testbed.result.response).toEqual(['w1', 'w2', 'w3'])
  })
  it('A fan-out respects maxParallelBranches and allowParallel.', () => {
    const names = ['W1', 'W2', 'W3', 'W4', 'W5']
    const stubs = Object.fromEntries(names.map((n) => [n, leaf(n, 20)]))
    expect(hub(names, stubs).peak).toBe(5)
    expect(hub(names, stubs, { maxParallelBranches: 2 }).peak).toBe(2)
    expect(hub(names, stubs, { allowParallel: false }).peak).toBe(1)
  })
})

describe('joins', () => {
  it('A fan-out by `=>` joins where its edges meet, with the values in order.', () => {
    const testbed = new MachineTestbed(
      team('A B C D', ['Start -> A', 'A => {B, C}', 'B -> D', 'C -> D', 'D -> End']),
      {
        A: (i) => value(i),
        B: (i) => value(`b${i}`, 50),
        C: (i) => value(`c${i}`),
        D: (i) => value(valuesIn(i).join('+')),
      },
      {},
      'x',
    ).runUntilIdle()
    expect(testbed.result.response).toBe('bx+cx')
    expect(testbed.inputsOf('D')).toHaveLength(1)
  })
  it('Chained joins complete once each, and a request to a joining agent arrives as its value.', () => {
    const flows = [
      'Start -> A',
      'A -> B1',
      'A -> B2',
      'B1 -> C1',
      'B1 -> C2',
      'B2 -> D',
      'B2 -> C2',
      'C1 -> D',
      'C2 -> D',
      'D -> End',
    ]
    const testbed = new MachineTestbed(team('A B1 B2 C1 C2 D', flows), {
      A: () => invoke(['B1', 1], ['B2', 2]),
      B1: () => invoke(['C1', 1], ['C2', 1]),
      B2: () => invoke(['D', 'b2'], ['C2', 2]),
      C1: leaf('c1', 20),
      C2: leaf('c2', 10),
      D: (i) => finish(valuesIn(i)),
    }).runUntilIdle()
    expect(testbed.inputsOf('C2')).toHaveLength(1)
    expect(testbed.inputsOf('D')).toHaveLength(1)
    expect([...(testbed.result.response as string[])].sort()).toEqual(['b2', 'c1', 'c2'])
  })
  it('A node that only one branch can reach opens no join.', () => {
    const testbed = new MachineTestbed(team('A B C D', ['A -> B', 'A -> C', 'B -> D', 'C -> D']), {
      A: () => handOff('C', 7),
      C: (i) => value(i),
      D: (i) => finish(i),
    }).runUntilIdle()
    expect(testbed.result.response).toBe(7)
    expect(testbed.of('join.opened')).toHaveLength(0)
  })
})

describe('joins and failures', () => {
  it('A join that needs all branches fails with the cause of the failed branch.', () => {
    const testbed = hub(['B1', 'B2'], { B1: leaf('fine', 10), B2: () => fails('b2_died') })
    expect(testbed.result).toMatchObject({ status: 'failed', success: false, error: { message: 'b2_died' } })
    expect(testbed.result.branchResults.find((b) => b.agent === 'B2')?.error?.message).toBe('b2_died')
  })
  it('A run fails with the error behind a join, not with the siblings that the join cancelled.', () => {
    const flows = ['A => {B, C}', 'B -> M', 'C -> M', 'M -> End']
    const stubs = { A: leaf('go'), B: leaf('b'), C: leaf('c', 500), M: () => fails('M broke') }
    for (const join of ['first', 'any', { quorum: 1 }] as const) {
      const testbed = new MachineTestbed(team('A B C M', flows, { nodes: { M: { join } } }), stubs).runUntilIdle()
      expect(testbed.result).toMatchObject({ status: 'failed', error: { message: 'M broke' } })
    }
  })
  it('A failed join awaits the siblings that it cancels.', () => {
    const testbed = hub(['Slow', 'B2'], {
      Slow: () => ({ ...value('late', 20_000), stopsAfter: 30 }),
      B2: () => fails('b2_died', 50),
    })
    expect(testbed.result.durationMs).toBe(80)
    expect(testbed.result.branchResults.map((b) => b.status)).toEqual(['failed', 'cancelled', 'failed'])
  })
  it('A failed join abandons a step that never stops, after a grace period of 10 s.', () => {
    const testbed = hub(['Slow', 'B2'], {
      Slow: () => ({ ...value('late', 99_000), stopsAfter: Number.POSITIVE_INFINITY }),
      B2: () => fails('b2_died'),
    })
    expect(testbed.result).toMatchObject({ status: 'failed', durationMs: 10_000 })
  })
  it.each(['300ms', '2m'] as const)(
    'A failed join abandons a step that never stops after the grace of %s that the config names.',
    (grace) => {
      const never = () => ({ ...value('late', 999_000), stopsAfter: Number.POSITIVE_INFINITY })
      const testbed = hub(['Slow', 'B2'], { Slow: never, B2: () => fails('b2_died') }, { timeouts: { grace } })
      expect(testbed.result).toMatchObject({ status: 'failed', durationMs: milliseconds(grace, 'grace') })
    },
  )
  const slow = (): AgentStub => () => ({ ...value('late', 20_000), stopsAfter: 20 })
  it.each([
    ['any', 'any', ['L1'], { E1: leaf('e1', 100) }, ['e1']],
    ['first', 'first', ['L1'], { F0: () => fails('no'), E1: leaf('e1', 100) }, ['e1']],
    ['quorum', { quorum: 2 }, ['L1'], { E1: leaf('e1', 100), E2: leaf('e2', 60) }, ['e1', 'e2']],
    ['ratio', { ratio: 0.5 }, ['L1', 'L2'], { E1: leaf('e1', 100), E2: leaf('e2', 60) }, ['e1', 'e2']],
  ] as const)(
    'A join of kind %s continues when satisfied, and cancels and awaits the other branches.',
    (_name, join, losers, early, expected) => {
      const stubs: Record<string, AgentStub> = { ...Object.fromEntries(losers.map((l) => [l, slow()])), ...early }
      const names = [...losers, ...Object.keys(early)]
      const lead: AgentStub = (i) =>
        resultsIn(i)
          ? finish((resultsIn(i) ?? []).filter((r) => r.success).map((r) => r.value ?? null))
          : invoke(...names.map((n): [string, Json] => [n, n]))
      const testbed = hub(names, stubs, { join, onFailure: 'collect' } as RunConfig, lead)
      expect(testbed.result).toMatchObject({ status: 'completed', response: expected, durationMs: 120 })
      for (const l of losers) expect(testbed.result.branchResults.find((b) => b.agent === l)?.status).toBe('cancelled')
    },
  )
  it('A join continues at its deadline with a TimeoutError for each missing branch.', () => {
    const testbed = hub(['L1', 'E1'], { L1: slow(), E1: leaf('e1') }, { deadline: '300ms' }, (i) =>
      resultsIn(i) ? finish(i) : invoke(['L1', 1], ['E1', 1]),
    )
    const got = resultsIn(testbed.result.response as Json)
    expect(got?.map((r) => r.success)).toEqual([false, true])
    expect(got?.[0]?.error).toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('deadline') })
  })
  it('A join collects failures, or leaves them out, as its policy says.', () => {
    const stubs = { B1: leaf(1), B2: () => fails('no') }
    const lead: AgentStub = (i) =>
      resultsIn(i) ? finish((resultsIn(i) ?? []).map((r) => r.agent)) : invoke(['B1', 1], ['B2', 1])
    expect(hub(['B1', 'B2'], stubs, { onFailure: 'collect' }, lead).result.response).toEqual(['B1', 'B2'])
    expect(hub(['B1', 'B2'], stubs, { onFailure: 'continue' }, lead).result.response).toEqual(['B1'])
  })
  it('A join with the policy `ask` asks a person about a failure, who can retry it.', () => {
    let attempts = 0
    const testbed = hub(
      ['B1', 'B2'],
      { B1: leaf(1), B2: () => (++attempts === 1 ? fails('no') : value('again')) },
      { onFailure: 'ask' },
    )
    expect(testbed.result).toMatchObject({
      status: 'waiting',
      reason: 'question',
      questions: [{ kind: 'error', agent: 'B2' }],
    })
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'retry')
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'completed', response: [1, 'again'] })
  })
  it('A join with the policy `ask` skips the failed branch or aborts the run as the person answers.', () => {
    const ask = () => hub(['B1', 'B2'], { B1: leaf(1), B2: () => fails('no') }, { onFailure: 'ask' })
    const skip = ask()
    skip.answer(skip.result.questions[0]?.id ?? '', 'skip')
    expect(skip.runUntilIdle().result).toMatchObject({ status: 'completed', response: [1, null] })
    const abort = ask()
    abort.answer(abort.result.questions[0]?.id ?? '', 'abort')
    expect(abort.runUntilIdle().result).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })
})

describe('errors', () => {
  const solo = (a: AgentStub, config: RunConfig) =>
    new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: a }, config).runUntilIdle()
  it('An error is routed to another agent, or replaced by a value.', () => {
    const flows = ['Start -> A', 'A -> Backup', 'A -> End', 'Backup -> End']
    const testbed = new MachineTestbed(
      team('A Backup', flows),
      { A: () => fails('died'), Backup: leaf('from backup') },
      { onError: { '*': { agent: 'Backup' } } },
    ).runUntilIdle()
    expect(testbed.result.response).toBe('from backup')
    expect(solo(() => fails('died'), { onError: { '*': { value: 'a default' } } }).result.response).toBe('a default')
  })
  it('An error is retried with backoff by its code, and a MaxRetriesExceededError reports that the attempts are used up.', () => {
    const twice = solo((_, __, n) => (n < 3 ? fails('busy', 0, 'external.failed') : value('done')), {
      onError: { 'external.failed': { retry: { attempts: 3, backoff: '1s' } } },
    })
    expect(twice.result).toMatchObject({ status: 'completed', response: 'done', totalSteps: 3 })
    expect(twice.result.durationMs).toBeGreaterThan(1_400)
    const never = solo(() => fails('busy'), { onError: { AgentError: { retry: 2 } } })
    expect(never.result.error).toMatchObject({
      name: 'MaxRetriesExceededError',
      message: expect.stringContaining('busy'),
    })
    expect(never.inputsOf('A')).toHaveLength(2)
  })
  it('An error rule asks a person after its retries are used up, and after its substitute has failed.', () => {
    const rule = { retry: { attempts: 2, backoff: '0s' }, ask: true } as const
    const twice = solo((_, __, n) => (n < 4 ? fails('busy') : value('done')), { onError: { '*': rule } })
    expect(twice.inputsOf('A')).toHaveLength(2)
    expect(twice.result).toMatchObject({ status: 'waiting', questions: [{ kind: 'error', agent: 'A' }] })
    expect(twice.result.questions[0]?.text).toContain('busy')
    twice.answer(twice.result.questions[0]?.id ?? '', 'retry')
    twice.runUntilIdle()
    expect(twice.inputsOf('A')).toHaveLength(3)
    twice.answer(twice.result.questions[0]?.id ?? '', 'retry')
    expect(twice.runUntilIdle().result).toMatchObject({ status: 'completed', response: 'done' })
    const flows = ['Start -> A', 'A -> End', 'Backup -> End']
    const testbed = new MachineTestbed(
      team('A Backup', flows),
      { A: () => fails('died'), Backup: () => fails('died too') },
      { onError: { '*': { agent: 'Backup', ask: true } } },
    ).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'waiting', questions: [{ kind: 'error', agent: 'Backup' }] })
  })
  it('A run whose attempts are used up fails with all of them, and the last error is the cause.', () => {
    const never = solo((_, __, n) => fails(`no ${n}`), { retry: { attempts: 2, backoff: '1s' } })
    expect(never.result).toMatchObject({
      status: 'failed',
      error: {
        name: 'MaxRetriesExceededError',
        code: 'retries.exhausted',
        details: { attempts: 2, cause: { message: 'no 2', code: 'agent.failed' } },
      },
    })
    const critical = (n: number) => fails('stop', 0, 'critical', n < 2 ? 'AgentError' : 'CriticalError')
    const final = solo((_, __, n) => critical(n), { retry: { attempts: 3, backoff: '1s' } })
    expect(final.result.error).toMatchObject({ name: 'CriticalError', message: 'stop' })
    const once = solo(() => fails('no'), { retry: { attempts: 1 } })
    expect(once.result.error).toMatchObject({ message: 'no' })
  })
  it('A run with a retry policy is repeated as a whole.', () => {
    const testbed = solo((_, __, n) => (n < 2 ? fails('no') : value('yes')), { retry: { attempts: 2, backoff: '1s' } })
    expect(testbed.result).toMatchObject({ status: 'completed', response: 'yes', totalSteps: 2 })
    expect(testbed.result.branchResults.map((b) => b.id)).toEqual(['1', '2~1'])
  })
})
