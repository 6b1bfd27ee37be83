/** Random teams, configs and outcomes: what must hold for every run. A seed that fails becomes a test of its own. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineAgent, type Outcome } from '../../agents/index.ts'
import { type Json, type StoredError, seededRandom, type TaintLabel } from '../../core/index.ts'
import type { RunConfig } from '../../topology/canonical/run-config.ts'
import { defineTopology, type TopologyForm } from '../../topology/define-topology.ts'
import { evolve } from './evolve.ts'
import type { Command } from './machine-events.ts'
import { type AgentStub, MachineTestbed, type Play } from './machine-testbed.test.fixture.ts'
import { pending } from './pending.ts'
import { deriveStatus } from './run/run-account.ts'
import { loadState, saveState } from './save-state.ts'
import { createState } from './state.ts'
import { transition } from './transition.ts'

type Draw = ReturnType<typeof createRandomSource>
function createRandomSource(seed: number) {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random.next() * n)
  return {
    below,
    chance: (p: number) => random.next() < p,
    one: <T>(list: readonly T[]): T => list[below(list.length)] as T,
  }
}

const names = ['A', 'B', 'C', 'D', 'E', 'F']

function randomTeam(draw: Draw): TopologyForm | undefined {
  const used = names.slice(0, 2 + draw.below(5))
  const flows = new Set<string>()
  for (let i = 0; i < 2 + draw.below(9); i++) {
    const from = draw.one(used)
    const to = draw.chance(0.1) ? 'User' : draw.chance(0.2) ? 'End' : draw.one(used)
    const operator = to === 'End' ? '->' : draw.one(['->', '->', '->', '<->', '<->', '=>', '<~>'])
    flows.add(`${from} ${to === 'User' && operator !== '->' ? '<->' : operator} ${to}`)
  }
  const nodes: Record<string, object> = {}
  for (const name of used)
    if (draw.chance(0.3))
      nodes[name] = {
        ...(draw.chance(0.7)
          ? { join: draw.one(['all', 'any', 'first', { quorum: 2 }, { ratio: 0.5 }] as const) }
          : {}),
        ...(draw.chance(0.5) ? { onFailure: draw.one(['failFast', 'collect', 'continue', 'ask'] as const) } : {}),
        ...(draw.chance(0.3) ? { limit: 1 + draw.below(2) } : {}),
        ...(draw.chance(0.3) ? { deadline: '40ms' } : {}),
      }
  const list = [...flows]
  const edges = Object.fromEntries(
    list
      .filter(() => draw.chance(0.2))
      .map((f) => [
        f,
        f.includes('<~>')
          ? { maxTurns: 1 + draw.below(5) }
          : f.includes('<->') || f.includes('=>')
            ? { limit: 1 + draw.below(4) }
            : { type: draw.one(['invoke', 'notify', 'query'] as const) },
      ]),
  )
  const form = { agents: used.map((name) => defineAgent({ name, run: () => null })), flows: list, nodes, edges }
  try {
    defineTopology(form)
    return form
  } catch {
    return undefined
  }
}

function randomConfig(draw: Draw): RunConfig {
  const maybe = <T extends object>(p: number, value: T): T | object => (draw.chance(p) ? value : {})
  return {
    budget: {
      steps: 5 + draw.below(60),
      depth: 2 + draw.below(5),
      hops: 20 + draw.below(60),
      ...maybe(0.1, { time: '500ms' }),
    },
    ...maybe(0.4, {
      timeouts: {
        ...maybe(0.3, { run: '400ms' }),
        ...maybe(0.4, { branch: '90ms' }),
        ...maybe(0.4, { step: '30ms' }),
        ...maybe(0.4, { acquisition: '20ms' }),
        ...maybe(0.3, { human: '50ms' }),
      },
    }),
    ...maybe(0.5, { join: draw.one(['all', 'any', 'first', { quorum: 1 }, { quorum: 2 }, { ratio: 0.4 }] as const) }),
    ...maybe(0.5, { onFailure: draw.one(['failFast', 'collect', 'continue', 'ask'] as const) }),
    ...maybe(0.3, {
      onError: {
        '*': draw.one([
          { retry: { attempts: 2, backoff: '10ms' } },
          { agent: 'A' },
          { value: 'instead' },
          'ask',
          'fail',
        ] as const),
      },
    }),
    ...maybe(0.15, { retry: { attempts: 2, backoff: '10ms' } }),
    ...maybe(0.3, { maxParallelBranches: 1 + draw.below(3) }),
    ...maybe(0.5, { guards: { pingPong: false as const, noProgress: false as const } }),
  }
}

function randomPlay(draw: Draw, command: Extract<Command, { type: 'step.execute' }>, deep = 0): Play {
  const { flow } = command
  const after = draw.below(3) === 0 ? 0 : draw.below(40)
  const stopsAfter = draw.chance(0.05) ? Number.POSITIVE_INFINITY : draw.below(10)
  const common = { after, stopsAfter }
  const input = draw.below(3)
  if (draw.chance(0.1))
    return {
      ...common,
      error: {
        name: 'AgentError',
        code: draw.one(['agent.failed', 'agent.failed', 'guard.repetition']),
        message: 'died',
        retryable: false,
      },
    }
  if (deep < 2 && draw.chance(0.06))
    return {
      ...common,
      ask: { kind: 'question', text: '?', ...(draw.chance(0.5) ? { timeout: '30ms' as const, default: 0 } : {}) },
      next: () => randomPlay(draw, command, deep + 1),
    }
  if (deep < 2 && draw.chance(0.06))
    return {
      ...common,
      request: { to: draw.one(names), payload: 1, ...(draw.chance(0.5) ? { deadlineAfter: 25 } : {}) },
      next: () => randomPlay(draw, command, deep + 1),
    }
  if (draw.chance(0.03)) return { ...common, outcome: { kind: 'handOff', agent: 'Nobody', input } }
  const kinds: Play[] = []
  const targets = () =>
    Array.from({ length: 1 + draw.below(4) }, () => ({ agent: draw.one(flow.invoke), input: draw.below(3) }))
  if (flow.invoke.length > 0) kinds.push({ ...common, outcome: { kind: 'invoke', targets: targets() } })
  if (flow.handOff.length > 0)
    kinds.push({ ...common, outcome: { kind: 'handOff', agent: draw.one(flow.handOff), input } })
  if (flow.finish) kinds.push({ ...common, outcome: { kind: 'finish', value: input } })
  if (flow.askUser) kinds.push({ ...common, outcome: { kind: 'handOff', agent: 'User', input } })
  kinds.push({ ...common, outcome: { kind: 'value', value: input } })
  return draw.one(kinds)
}

interface Hooks {
  readonly each?: (testbed: MachineTestbed) => void
  /** What becomes of what was drawn. */
  readonly instead?: (play: Play, input: Json, step: string) => Play
}

/** Plays to the end: people answer what is asked, sooner or later; somebody may pause, go on, or cancel. */
function play(seed: number, hooks: Hooks = {}): MachineTestbed | undefined {
  const draw = createRandomSource(seed)
  const form = randomTeam(draw)
  if (!form) return undefined
  const { instead = (drawn) => drawn } = hooks
  const stub: AgentStub = (input: Json, command) => instead(randomPlay(draw, command), input, command.step)
  const testbed = new MachineTestbed(form, Object.fromEntries(names.map((name) => [name, stub])), randomConfig(draw))
  const meddles = draw.chance(0.3)
  for (let i = 0; i < 5_000; i++) {
    hooks.each?.(testbed)
    if (deriveStatus(testbed.state).over) return testbed
    if (meddles && draw.chance(0.05))
      testbed.apply({
        at: testbed.now,
        type: draw.one(['pause', 'resume', 'resume', ...(draw.chance(0.5) ? (['cancel'] as const) : [])] as const),
        by: 'ada',
      })
    const derived = deriveStatus(testbed.state)
    if (derived.over) return testbed
    if (derived.status === 'waiting' || testbed.idle) {
      if (derived.reason === 'paused') testbed.apply({ at: testbed.now, type: 'resume', by: 'ada' })
      else if (derived.reason === 'question') {
        const question = draw.one(testbed.result.questions)
        testbed.answer(question.id, question.kind === 'error' ? draw.one(['retry', 'skip', 'abort']) : 'yes')
      } else throw new Error(`seed ${seed} is stuck: ${JSON.stringify(testbed.result)}`)
    } else testbed.next()
  }
  throw new Error(`seed ${seed} does not end`)
}

const runs = 1_500
const seeds = fc.integer({ min: 0, max: 2 ** 31 })
const holds = (property: (seed: number) => void, numRuns = runs) =>
  fc.assert(fc.property(seeds, property), { numRuns, seed: 7, endOnFailure: true })

describe('runs of random teams', () => {
  it('A run of a random team ends with every branch ended, every join completed at most once, within its budgets.', () => {
    let played = 0
    const seen = new Set<string>()
    holds((seed) => {
      const testbed = play(seed)
      if (!testbed) return
      played++
      const { state, result } = testbed
      for (const event of testbed.events) seen.add(event.type)
      expect(testbed.events.filter((e) => e.type === 'run.failed' && e.error.code === 'invariant.broken')).toEqual([])
      expect(deriveStatus(state).over).toBe(true)
      for (const branch of result.branchResults) expect(['completed', 'failed', 'cancelled']).toContain(branch.status)
      const fired = testbed.of('join.completed').map((e) => e.joinId)
      expect(new Set(fired).size).toBe(fired.length)
      expect(testbed.of('join.opened').length).toBe(fired.length)
      expect(result.totalSteps).toBeLessThanOrEqual(testbed.pinned.config.budget.steps)
      expect(state.budgets.hops).toBeLessThanOrEqual(testbed.pinned.config.budget.hops)
      expect([...pending(state)]).toEqual([])
      expect(state.branches).toMatchObject({ openCount: 0, delayedCount: 0 })
      expect(state.steps).toMatchObject({ open: new Map(), executing: 0, parallel: 0, external: 0, uncertain: 0 })
      expect(state.questions.open).toEqual(new Map())
      // A step whose wait is over goes on at once: it holds resources that others may wait for.
      if (testbed.of('step.waiting').length === 0)
        expect(testbed.peak).toBeLessThanOrEqual(testbed.pinned.config.maxParallelBranches)
    })
    expect(played).toBeGreaterThan(runs / 3)
    for (const type of [
      'join.completed',
      'guard.tripped',
      'question.answered',
      'request.made',
      'run.retried',
      'group.failed',
      'step.cancel-requested',
      'branch.cancelled',
      'run.paused',
      'run.cancelled',
      'run.completed',
    ])
      expect(seen).toContain(type)
  })

  it('A run of a random team ends as it would have without gaps in which no process carried it.', () => {
    let gaps = 0
    holds((seed) => {
      const undisturbed = play(seed)
      // Questions expire by the wall clock: a gap changes what becomes of them, and whoever meddles does so by chance.
      if (!undisturbed || undisturbed.of('question.asked').length + undisturbed.of('run.paused').length > 0) return
      const draw = createRandomSource(seed)
      const disturbed = play(seed, {
        each: (testbed) => {
          if (testbed.now !== testbed.state.clocks.lastAt || !draw.chance(0.2)) return
          testbed.down(draw.one([60_000, 3_600_000, 7 * 86_400_000]) + draw.below(100))
          gaps++
        },
      })
      const { durationMs: _, ...result } = undisturbed.result
      expect(disturbed?.result).toMatchObject(result)
    })
    expect(gaps).toBeGreaterThan(300)
  })

  it.each([56065517, 215907911, 1143940961, 1310042057])(
    'A run of a random team ends for the seed %i, which once did not end.',
    (seed) => {
      const testbed = play(seed)
      expect(testbed && deriveStatus(testbed.state).over).toBe(true)
    },
  )

  it('A run of a random team decides alike from the same inputs, and an input without events leaves the state as it was.', () => {
    holds((seed) => {
      const testbed = play(seed)
      if (!testbed) return
      const state = createState()
      for (const { input, events } of testbed.records) {
        const before = JSON.stringify(saveState(state))
        expect(transition(state, input).events).toEqual(events)
        if (events.length === 0) expect(JSON.stringify(saveState(state))).toBe(before)
      }
      expect(saveState(state)).toEqual(saveState(testbed.state))
    }, 150)
  })

  it('The state of a random run always equals the fold of its events, so that a recovered run continues alike.', () => {
    holds((seed) => {
      const folded = createState()
      let checked = 0
      play(seed, {
        each: (testbed) => {
          for (const record of testbed.records.slice(checked))
            for (const event of record.events) evolve(folded, JSON.parse(JSON.stringify(event)))
          checked = testbed.records.length
          expect(sorted(saveState(folded))).toEqual(sorted(saveState(testbed.state)))
          const ids = (state: MachineTestbed['state']) => [...pending(state)].map((c) => c.id).sort()
          expect(ids(loadState(saveState(folded)))).toEqual(ids(testbed.state))
        },
      })
    }, 120)
  })

  it('A random run taints each value with every source that it may be derived from.', () => {
    let tainted = 0
    holds((seed) => {
      const testbed = play(seed, { instead: readingSources(createRandomSource(seed + 1)) })
      if (!testbed) return
      for (const { input, command } of testbed.calls)
        expect(command.taint ?? [], `seed ${seed}`).toEqual(expect.arrayContaining(labelsIn(input)))
      const { response, branchResults, error, taint = [] } = testbed.result
      const resultLabels = labelsIn([response, branchResults, error] as unknown as Json)
      expect(taint, `seed ${seed}`).toEqual(expect.arrayContaining(resultLabels))
      if (resultLabels.length > 1) tainted++
    })
    expect(tainted).toBeGreaterThan(50)
  })

  it('A random run continues alike from a snapshot taken at any input.', () => {
    holds((seed) => {
      const complete = play(seed)
      if (!complete) return
      const repeated = play(seed, {
        each: (testbed) => {
          testbed.state = loadState(saveState(testbed.state))
        },
      })
      expect(repeated?.events).toEqual(complete.events)
    }, 120)
  })
})

const labelsIn = (value: Json): TaintLabel[] =>
  [...new Set(JSON.stringify(value ?? null).match(/untrusted:\d/g) ?? [])] as TaintLabel[]

/** Steps that read now and then from one of six sources, and tell in all that they give what they have seen so far. */
const readingSources =
  (draw: Draw) =>
  (drawn: Play, input: Json): Play => {
    const reads: TaintLabel[] = draw.chance(0.3) ? [`untrusted:${draw.below(6)}`] : []
    const seen = [...new Set([...labelsIn(input), ...reads])]
    const after = (next: (answer: Json | StoredError) => Play) => (answer: Json | StoredError) =>
      readingSources(draw)(next(answer), [...seen, answer as unknown as Json])
    if ('error' in drawn) return { ...drawn, reads, error: { ...drawn.error, message: seen.join() } }
    if ('ask' in drawn) return { ...drawn, reads, next: after(drawn.next) }
    if ('request' in drawn)
      return { ...drawn, reads, request: { ...drawn.request, payload: seen }, next: after(drawn.next) }
    const { outcome } = drawn
    if (outcome.kind === 'invoke')
      return {
        ...drawn,
        reads,
        outcome: { ...outcome, targets: outcome.targets.map((to) => ({ ...to, input: seen })) },
      }
    return {
      ...drawn,
      reads,
      outcome: { ...outcome, [outcome.kind === 'handOff' ? 'input' : 'value']: seen } as Outcome,
    }
  }

/** Entries of maps in the order of their keys: order means nothing in them. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) {
    const list = value.map(sorted)
    return list.every((x) => Array.isArray(x) && x.length === 2 && typeof x[0] === 'string')
      ? list.sort((a, b) => ((a as string[])[0] as string).localeCompare((b as string[])[0] as string))
      : list
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== 0)
      .map(([k, v]) => [k, sorted(v as Json)]),
  )
}
