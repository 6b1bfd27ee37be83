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
  it('passes a plain value along the only edge, and ends with the last one', () => {
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
  it('refuses what the topology does not offer, naming what it does', () => {
    const testbed = new MachineTestbed(team('A B C', ['A -> B', 'B -> C']), { A: () => handOff('C', 1) }).runUntilIdle()
    expect(testbed.result.error).toMatchObject({ code: 'outcome.invalid' })
    expect(testbed.result.error?.message).toMatch(/hand off to C.*hand off to B/)
  })
})

describe('forks', () => {
  it('runs the agent again with the results in order of invocation', () => {
    const testbed = hub(['B1', 'B2'], { B1: leaf('one', 200), B2: leaf('two', 100) })
    expect(testbed.result.response).toEqual(['one', 'two'])
    expect(testbed.inputsOf('Lead')[1]).toEqual({
      results: [
        { agent: 'B1', value: 'one', success: true },
        { agent: 'B2', value: 'two', success: true },
      ],
    })
  })
  it('nests: every parent runs twice, every barrier fires once', () => {
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
  it('invokes the same agent several times', () => {
    const testbed = hub(['W'], { W: (i) => value(`w${i}`) }, {}, (i) =>
      resultsIn(i) ? finish(valuesIn(i)) : invoke(['W', 1], ['W', 2], ['W', 3]),
    )
    expect(testbed.result.response).toEqual(['w1', 'w2', 'w3'])
  })
  it('keeps to maxParallelBranches and allowParallel', () => {
    const names = ['W1', 'W2', 'W3', 'W4', 'W5']
    const stubs = Object.fromEntries(names.map((n) => [n, leaf(n, 20)]))
    expect(hub(names, stubs).peak).toBe(5)
    expect(hub(names, stubs, { maxParallelBranches: 2 }).peak).toBe(2)
    expect(hub(names, stubs, { allowParallel: false }).peak).toBe(1)
  })
})

describe('joins', () => {
  it('fan-out by => meets where edges meet, in order', () => {
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
  it('chained meetings end, each run once, a request sent there arriving as its value', () => {
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
  it('is no meeting where one alone can come', () => {
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
  it('fails with the cause when all were needed', () => {
    const testbed = hub(['B1', 'B2'], { B1: leaf('fine', 10), B2: () => fails('b2_died') })
    expect(testbed.result).toMatchObject({ status: 'failed', success: false, error: { message: 'b2_died' } })
    expect(testbed.result.branchResults.find((b) => b.agent === 'B2')?.error?.message).toBe('b2_died')
  })
  it('fails with what failed behind a join, not with the siblings that it had stopped', () => {
    const flows = ['A => {B, C}', 'B -> M', 'C -> M', 'M -> End']
    const stubs = { A: leaf('go'), B: leaf('b'), C: leaf('c', 500), M: () => fails('M broke') }
    for (const join of ['first', 'any', { quorum: 1 }] as const) {
      const testbed = new MachineTestbed(team('A B C M', flows, { nodes: { M: { join } } }), stubs).runUntilIdle()
      expect(testbed.result).toMatchObject({ status: 'failed', error: { message: 'M broke' } })
    }
  })
  it('awaits the siblings it cancels', () => {
    const testbed = hub(['Slow', 'B2'], {
      Slow: () => ({ ...value('late', 20_000), stopsAfter: 30 }),
      B2: () => fails('b2_died', 50),
    })
    expect(testbed.result.durationMs).toBe(80)
    expect(testbed.result.branchResults.map((b) => b.status)).toEqual(['failed', 'cancelled', 'failed'])
  })
  it('goes on without who never stops, after a grace', () => {
    const testbed = hub(['Slow', 'B2'], {
      Slow: () => ({ ...value('late', 99_000), stopsAfter: Number.POSITIVE_INFINITY }),
      B2: () => fails('b2_died'),
    })
    expect(testbed.result).toMatchObject({ status: 'failed', durationMs: 10_000 })
  })
  it.each(['300ms', '2m'] as const)(
    'goes on without who never stops after the grace of %s that the config names',
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
  ] as const)('join %s goes on when met, the losers cancelled and awaited', (_name, join, losers, early, expected) => {
    const stubs: Record<string, AgentStub> = { ...Object.fromEntries(losers.map((l) => [l, slow()])), ...early }
    const names = [...losers, ...Object.keys(early)]
    const lead: AgentStub = (i) =>
      resultsIn(i)
        ? finish((resultsIn(i) ?? []).filter((r) => r.success).map((r) => r.value ?? null))
        : invoke(...names.map((n): [string, Json] => [n, n]))
    const testbed = hub(names, stubs, { join, onFailure: 'collect' } as RunConfig, lead)
    expect(testbed.result).toMatchObject({ status: 'completed', response: expected, durationMs: 120 })
    for (const l of losers) expect(testbed.result.branchResults.find((b) => b.agent === l)?.status).toBe('cancelled')
  })
  it('goes on at the deadline with what has arrived', () => {
    const testbed = hub(['L1', 'E1'], { L1: slow(), E1: leaf('e1') }, { deadline: '300ms' }, (i) =>
      resultsIn(i) ? finish(i) : invoke(['L1', 1], ['E1', 1]),
    )
    const got = resultsIn(testbed.result.response as Json)
    expect(got?.map((r) => r.success)).toEqual([false, true])
    expect(got?.[0]?.error).toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('deadline') })
  })
  it('collects failures, or leaves them out', () => {
    const stubs = { B1: leaf(1), B2: () => fails('no') }
    const lead: AgentStub = (i) =>
      resultsIn(i) ? finish((resultsIn(i) ?? []).map((r) => r.agent)) : invoke(['B1', 1], ['B2', 1])
    expect(hub(['B1', 'B2'], stubs, { onFailure: 'collect' }, lead).result.response).toEqual(['B1', 'B2'])
    expect(hub(['B1', 'B2'], stubs, { onFailure: 'continue' }, lead).result.response).toEqual(['B1'])
  })
  it('asks what to do about a failure', () => {
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
  it('skips or aborts where a person says so', () => {
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
  it('routes to another agent, or to a value', () => {
    const flows = ['Start -> A', 'A -> Backup', 'A -> End', 'Backup -> End']
    const testbed = new MachineTestbed(
      team('A Backup', flows),
      { A: () => fails('died'), Backup: leaf('from backup') },
      { onError: { '*': { agent: 'Backup' } } },
    ).runUntilIdle()
    expect(testbed.result.response).toBe('from backup')
    expect(solo(() => fails('died'), { onError: { '*': { value: 'a default' } } }).result.response).toBe('a default')
  })
  it('retries with backoff, by kind, and says when attempts are used up', () => {
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
  it('asks a person once what was tried again is used up, and once a stand-in has failed', () => {
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
  it('a whole run whose attempts are used up fails with all of them, the last error as the cause', () => {
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
  it('retries the whole run', () => {
    const testbed = solo((_, __, n) => (n < 2 ? fails('no') : value('yes')), { retry: { attempts: 2, backoff: '1s' } })
    expect(testbed.result).toMatchObject({ status: 'completed', response: 'yes', totalSteps: 2 })
    expect(testbed.result.branchResults.map((b) => b.id)).toEqual(['1', '2~1'])
  })
})
