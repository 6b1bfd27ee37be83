/** What comes late or is said oddly: inputs, answers, timers, options. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import {
  fails,
  finish,
  handOff,
  invoke,
  resultsIn,
  type Script,
  value,
  valuesIn,
  World,
} from '../topology/world.test.fixture.ts'
import { checkAnswer } from './answers.ts'
import { holds } from './condition.ts'
import { decide } from './decide.ts'
import { Deciding } from './deciding.ts'
import { trip } from './guards.ts'
import { readConfig } from './read-config.ts'
import { readJoin } from './read-join.ts'
import { standingOf } from './result.ts'
import { loadState, saveState } from './snapshot.ts'
import { createState } from './state.ts'
import { slow, team } from './teams.test.fixture.ts'

const error = { name: 'E', code: 'c', message: 'm', retryable: false }

describe('answers', () => {
  const check = (question: object, answer: Json) => {
    const asks: Script = () => ({ ask: { text: '?', ...question } as never, next: (a) => finish(a as Json) })
    const world = new World(team('A', ['A -> End']), { A: asks }).settle()
    return () => checkAnswer(world.state, world.result.questions[0]?.id ?? '', answer)
  }
  it('to a choice without options may be anything, to a confirmation true or false', () => {
    expect(check({ kind: 'choice' }, 'x')).not.toThrow()
    expect(check({ kind: 'confirmation' }, true)).not.toThrow()
  })
  it('to an approval of other arguments are refused, also where no tool is named', () => {
    expect(check({ kind: 'approval', hash: 'h' }, { approve: true, hash: 'g' })).toThrow(/the tool/)
    expect(check({ kind: 'approval' }, { approve: true })).not.toThrow()
  })
})

describe('conditions', () => {
  it('fail where the value is none of the listed, or not below the bound', () => {
    expect(holds({ path: 'n', in: [1, 2] }, { n: 3 })).toBe(false)
    expect(holds({ path: 'n', lessThan: 3 }, { n: 3 })).toBe(false)
    expect(holds({ path: 'n', lessThan: 3 }, { n: '1' })).toBe(false)
  })
})

describe('config', () => {
  it('reads numbers, tokens and backoff as they are written', () => {
    const read = readConfig({ budget: { tokens: 5 }, retry: { attempts: 2, backoff: '3s' } })
    expect(read.budget.tokens).toBe(5)
    expect(read.retry).toEqual({ attempts: 2, backoff: 3_000 })
    expect(readConfig({ retry: { attempts: 2 } }).retry).toEqual({ attempts: 2, backoff: 1_000 })
    expect(() => readConfig({ budget: { cost: Number.NaN } })).toThrow(/cost/)
    expect(readConfig({ budget: { cost: 2 } }).budget.cost).toBe(2)
    expect(() => readJoin('join', null as never)).toThrow(/join/)
  })

  it('refuses what is no object, what lasts no time, and a nudge after the stop', () => {
    const wrong: readonly (readonly [config: unknown, place: string])[] = [
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
    for (const [config, place] of wrong) expect(() => readConfig(config as never)).toThrow(place)
  })

  it('moves the stop of repetition behind its nudge, and the nudge before its stop', () => {
    const repetition = (said: object) => readConfig({ guards: { repetition: said } }).guards.repetition
    expect(repetition({ nudge: 9 })).toEqual({ nudge: 9, stop: 10 })
    expect(repetition({ stop: 2 })).toEqual({ nudge: 2, stop: 2 })
    expect(repetition({})).toEqual({ nudge: 3, stop: 5 })
  })
})

describe('inputs that come late', () => {
  const early = (config = {}) => new World(team('A', ['A -> End']), { A: slow() }, config)
  it('a refused budget, a question or a request of a step that is over is nothing', () => {
    const world = early()
    const late = [
      { type: 'budget.refused', step: 'no', budget: 'tokens', used: 2, limit: 1 },
      { type: 'question.asked', step: 'no', wait: 'w', question: { kind: 'question', text: '?' } },
      { type: 'request.made', step: 'no', wait: 'w', to: 'A', message: 'm', payload: 1 },
      { type: 'question.answered', question: 'no', value: 1, by: 'ada' },
    ]
    for (const input of late) expect(decide(world.state, { at: 2_000, ...input } as never)).toEqual([])
  })
  it('a timer that a node with a slow clock brings early is set again', () => {
    const world = early({ timeouts: { run: '10s' } })
    expect(world.take({ at: 2_000, type: 'timer', name: 'run' })).toMatchObject([{ type: 'timer.set', due: 11_000 }])
  })
  it('charges of a run below are counted', () => {
    const world = early()
    world.take({
      at: 2_000,
      type: 'run.charged',
      run: 'below',
      steps: 3,
      usage: { inputTokens: 5, outputTokens: 7, cost: 0.5, unknown: ['p/m'] },
    } as never)
    world.take({
      at: 2_000,
      type: 'run.charged',
      run: 'below2',
      steps: 0,
      usage: { inputTokens: 1, outputTokens: 1 },
    } as never)
    expect(world.result).toMatchObject({
      totalSteps: 4,
      usage: { inputTokens: 6, outputTokens: 8 },
      cost: { usd: 0.5, unknown: ['p/m'] },
    })
  })
  it('a guard that trips after another changes nothing', () => {
    const { state } = early()
    const d = new Deciding(state, 2_000)
    state.ledger.open()
    for (const name of ['steps', 'hops']) trip(d, { name, limit: 1, used: 1 })
    state.ledger.rollback()
    expect(d.events).toMatchObject([{ type: 'guard.tripped', guard: { name: 'steps' } }])
  })
  it('an answer to a step that waits is kept while the run is paused, also in a snapshot', () => {
    const asks: Script = () => ({ ask: { text: '?' } as never, next: (a) => finish(a as Json) })
    const world = new World(team('A', ['A -> End']), { A: asks }).settle()
    world.take({ at: 1_000, type: 'pause', by: 'ada' })
    const id = world.result.questions[0]?.id ?? ''
    const answered = world.take({ at: 1_001, type: 'question.answered', question: id, value: 'yes', by: 'ada' })
    expect(answered.map(({ type }) => type)).toEqual(['question.answered', 'answer.kept'])
    expect(world.result).toMatchObject({ status: 'waiting', reason: 'paused', questions: [] })
    expect(loadState(saveState(world.state)).kept).toEqual(world.state.kept)
    world.take({ at: 1_002, type: 'continue', by: 'parent' })
    expect(world.result.reason).toBe('paused')
    const on = world.take({ at: 1_003, type: 'continue', by: 'ada' })
    expect(on.map(({ type }) => type)).toEqual(['run.continued', 'answer.sent'])
    expect(world.settle().result.response).toBe('yes')
    expect(world.state.kept).toEqual([])
  })
  it('what a run below may take counts as taken until it is charged with what it took', () => {
    const world = early({ budget: { steps: 10, hops: 10 } })
    const hold = (run: string, amount: number, instead: readonly string[] = []) =>
      world.take({ at: 2_000, type: 'run.held', run, step: '1#1', steps: amount, hops: amount + 1, instead })
    const counts = () => {
      const { totalSteps, hops, heldSteps, heldHops } = world.state.counts
      return [totalSteps, hops, heldSteps, heldHops]
    }
    const [steps = 0, hops = 0] = counts()
    hold('lost', 5)
    hold('below', 4)
    hold('below', 3, ['lost', 'nobody'])
    expect(counts()).toEqual([steps, hops, 3, 4])
    expect(loadState(saveState(world.state)).counts).toEqual(world.state.counts)
    const usage = { inputTokens: 0, outputTokens: 0 }
    world.take({ at: 2_000, type: 'run.charged', run: 'again', held: 'below', steps: 2, hops: 1, usage })
    expect(counts()).toEqual([steps + 2, hops + 1, 0, 0])
  })
  it('a snapshot from before runs below were held for is read', () => {
    const saved = saveState(early().state) as { counts: { heldSteps?: number }; held?: unknown }
    delete saved.counts.heldSteps
    delete saved.held
    const state = loadState(saved as never)
    expect([state.counts.heldSteps, state.held.size]).toEqual([0, 0])
  })
  it('usage counts with failures and refused budgets too', () => {
    const used = { inputTokens: 3, outputTokens: 2 }
    const failing = early()
    failing.take({ at: 2_000, type: 'step.failed', step: '1#1', error, usage: used })
    expect(failing.result).toMatchObject({ status: 'failed', usage: used })
    const refused = early()
    refused.take({
      at: 2_000,
      type: 'budget.refused',
      step: '1#1',
      budget: 'tokens',
      used: 2,
      limit: 1,
      usage: used,
    } as never)
    expect(refused.result).toMatchObject({ status: 'failed', usage: used, guard: { name: 'tokens' } })
    const bare = early()
    bare.take({ at: 2_000, type: 'budget.refused', step: '1#1', budget: 'tokens', used: 2, limit: 1 } as never)
    expect(bare.result).toMatchObject({ status: 'failed', guard: { name: 'tokens', limit: 1, used: 2 } })
  })
  it('a wait says its reason in detail where there is one', () => {
    const world = early()
    const said = world.take({
      at: 2_000,
      type: 'step.waiting',
      step: '1#1',
      reason: 'uncertain',
      detail: { effect: 'pay' },
    } as never)
    expect(said).toMatchObject([{ type: 'step.waiting', detail: { effect: 'pay' } }])
  })
  it('what the rules threw that is no Error is told as it is', () => {
    const world = early()
    const graph = world.state.graph as object
    Object.defineProperty(world.state, 'graph', {
      get: () => {
        throw 'odd'
      },
      set: () => {},
      configurable: true,
    })
    expect(
      world.take({ at: 2_000, type: 'step.settled', step: '1#1', outcome: { kind: 'value', value: 1 } }),
    ).toMatchObject([{ type: 'run.failed', error: { message: expect.stringContaining('odd') } }])
    expect(graph).toBeDefined()
  })
})

describe('clocks', () => {
  it('of an acquisition end when there is room, and fail who waits too long', () => {
    const two = new World(
      team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { nodes: { B: { limit: 1 } } }),
      { A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2])), B: slow(1_000) },
      { timeouts: { acquisition: '5s' } },
    ).settle()
    expect(two.result.response).toEqual(['slow', 'slow'])
    const late = new World(
      team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { nodes: { B: { limit: 1 } } }),
      { A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2])), B: slow(9_000) },
      { timeouts: { acquisition: '5s' }, onFailure: 'collect' },
    ).settle()
    expect(late.result.response).toEqual(['slow', null])
    const paused = new World(
      team('A B', ['Start -> A', 'A <-> B', 'A -> End'], { nodes: { B: { limit: 1 } } }),
      { A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2])), B: slow(9_000) },
      { timeouts: { acquisition: '5s' }, onFailure: 'collect' },
    ).run(1_500)
    paused.take({ at: 1_500, type: 'pause', by: 'ada' })
    expect([...paused.state.timers].filter(([n]) => n.startsWith('acquire:'))).toMatchObject([
      [expect.anything(), { left: 4_500 }],
    ])
  })
})

describe('people and requests', () => {
  it('a failure that nobody decides on in time aborts', () => {
    const world = new World(
      team('A', ['A -> End']),
      { A: () => fails('no') },
      { onError: { '*': 'ask' }, timeouts: { human: '1s' } },
    ).run()
    expect(world.result).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })
  it('who serves is paid for too, and may not hand off', () => {
    const form = team('A B', ['Start -> A', 'A -> End', 'A <-> B', 'B -> End'])
    const ask: Script = () => ({
      request: { to: 'B', payload: 1 },
      next: (e) => finish((e as { code?: string }).code ?? (e as Json)),
    })
    const usage = { inputTokens: 3, outputTokens: 4 }
    expect(new World(form, { A: ask, B: () => ({ ...value('r'), usage }) }).settle().result).toMatchObject({
      response: 'r',
      usage,
    })
    expect(new World(form, { A: ask, B: () => ({ ...handOff('A', 1), usage }) }).settle().result).toMatchObject({
      response: 'outcome.invalid',
      usage,
    })
  })
  it('a request that was given up while the run paused is not served any more', () => {
    const form = team('L A C B', ['Start -> L', 'L => {A, C}', '{A, C} -> End', 'A <-> B', 'C <-> B', 'B -> End'])
    const ask =
      (deadlineAfter: number): Script =>
      () => ({
        after: 5,
        request: { to: 'B', payload: deadlineAfter, deadlineAfter },
        next: (e) => finish(typeof e === 'object' ? 'late' : (e as Json)),
      })
    const world = new World(form, { L: () => value(1), A: ask(20), C: ask(90_000), B: (i) => value(i) }).run(1_001)
    world.take({ at: 1_001, type: 'pause', by: 'ada' })
    world.run(1_100)
    expect(world.calls.filter((c) => c.agent === 'B')).toEqual([])
    world.take({ at: 1_100, type: 'continue', by: 'ada' })
    expect(world.settle().inputsOf('B')).toEqual([90_000])
    expect(world.result.response).toEqual(['late', 90_000])
  })
  it('many who wait for one are no deadlock', () => {
    const names = 'P D X Y Z W'
    const flows = ['Start -> P', 'P <-> D', 'D <-> X', 'D <-> Z', 'D <-> W', 'X <-> Y', 'Z <-> Y', 'P -> End']
    const ask =
      (to: string, after: number): Script =>
      () => ({ after, request: { to, payload: 1 }, next: (e) => value(e as Json) })
    const world = new World(team(names, flows), {
      P: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['D', 1], ['D', 2], ['D', 3])),
      D: (i, c, n) => ask(i === 1 ? 'X' : i === 2 ? 'Z' : 'W', i === 3 ? 50 : 0)(i, c, n),
      X: ask('Y', 0),
      Z: ask('Y', 0),
      Y: () => value('y', 100),
      W: () => value('w'),
    }).settle()
    expect(world.result).toMatchObject({ status: 'completed', response: ['y', 'y', 'w'] })
  })
  it('who comes to a full node while the run is paused keeps its time', () => {
    const form = team('A B C', ['Start -> A', 'A <-> B', 'A <-> C', 'C -> B', 'A -> End'], {
      nodes: { B: { limit: 1 } },
    })
    const lead: Script = (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['C', 2]))
    const scripts = { A: lead, B: slow(9_000), C: () => handOff('B', 'c', 50) }
    const world = new World(form, scripts, { timeouts: { acquisition: '5s' } }).run(1_020)
    world.take({ at: 1_020, type: 'pause', by: 'ada' })
    world.run(1_500)
    expect([...world.state.timers].filter(([name]) => name.startsWith('acquire:'))).toMatchObject([
      [expect.anything(), { left: 5_000 }],
    ])
  })
})

it('who was paused by itself does not go on because the run above does', () => {
  const world = new World(team('A', ['A -> End']), { A: () => value(1, 50) })
  world.take({ at: world.now, type: 'pause', by: 'host' })
  expect(world.take({ at: world.now, type: 'continue', by: 'parent' })).toEqual([])
  expect(world.take({ at: world.now, type: 'continue', by: 'host' })).toMatchObject([{ type: 'run.continued' }])
  world.take({ at: world.now, type: 'pause', by: 'parent' })
  expect(world.take({ at: world.now, type: 'continue', by: 'parent' })).toMatchObject([{ type: 'run.continued' }])
})

it('a run is running between what was asked and what was told', () => {
  expect(standingOf({ ...createState(), status: 'running' })).toEqual({ status: 'running', over: false })
  expect(loadState(saveState(createState())).status).toBe('new')
})
