/**
 * Random teams of nested pipelines, parallel branches, hubs, choices and patterns. Each expression has its team and a function
 * that computes the result, from the pages of the orchestra and without the library.
 */
import { hashText, type Random, seededRandom } from '../../src/core/index.ts'
import type { Agent, Results, RunConfig, StepContext, TopologyForm } from '../../src/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const { defineAgent, finish, handOff, invoke, patterns } = troupe

/** The value of an expression; undefined if it fails. */
type Value = string | undefined
interface Expression {
  readonly name: string
  readonly entry: Agent | { readonly name: string; readonly topology: TopologyForm }
  readonly resultOf: (input: string) => Value
}
type Rule = { readonly retry?: { readonly attempts: number; readonly backoff: '1ms' }; readonly value?: string }

export interface ReferenceTeam {
  readonly topology: TopologyForm
  readonly config: RunConfig
  /** The response for the task `x`; undefined if the run fails. */
  readonly expected: Value
}

interface Draw {
  readonly random: Random
  readonly rule: Rule | undefined
  /** The share of agents that fail. */
  readonly failing: number
  /** The executions of failing steps, by run, agent and input. */
  readonly attempts: Map<string, number>
  count: number
}

const below = ({ random }: Draw, limit: number): number => Math.floor(random.next() * limit)
const pick = <T>(draw: Draw, list: readonly T[]): T => list[below(draw, list.length)] as T
const several = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, i) => make(i))
const named = (draw: Draw, prefix: string): string => `${prefix}${draw.count++}`
const isEven = (...texts: readonly string[]): boolean =>
  Number.parseInt(hashText(texts.join()).slice(0, 8), 16) % 2 === 0

export function referenceTeam(seed: string): ReferenceTeam {
  const random = seededRandom(seed)
  const rules: readonly (Rule | undefined)[] = [
    undefined,
    { retry: { attempts: 3, backoff: '1ms' } },
    { retry: { attempts: 2, backoff: '1ms' }, value: 'instead' },
    { value: 'instead' },
  ]
  const rule = rules[Math.floor(random.next() * rules.length)]
  const failing = random.next() < 0.5 ? 0.12 : 0
  const draw: Draw = { random, rule, failing, attempts: new Map(), count: 0 }
  const { name, entry, resultOf } = expression(draw, 1 + below(draw, 4))
  return {
    topology: { agents: [entry], flows: [`Start -> ${name}`, `${name} -> End`] },
    config: {
      ...(rule ? { onError: { '*': rule as { readonly value: string } } } : {}),
      ...(random.next() < 0.3 ? { maxParallelBranches: 1 + below(draw, 3) } : {}),
    },
    expected: resultOf('x'),
  }
}

function expression(draw: Draw, depth: number): Expression {
  if (depth === 0) return worker(draw)
  return pick(draw, [worker, pipeline, pipeline, parallel, parallel, hub, hub, choice, pattern])(draw, depth - 1)
}

/** Failures of an agent: always, in the first execution, in the first four, or for some inputs. */
function failures(draw: Draw, name: string) {
  const kinds = ['always', 'first', 'fourth', 'some'] as const
  const kind = draw.random.next() < draw.failing ? pick(draw, kinds) : 'never'
  const fails = (input: string, attempt: number): boolean =>
    kind === 'always' ||
    (kind === 'first' && attempt === 1) ||
    (kind === 'fourth' && attempt <= 4) ||
    (kind === 'some' && isEven(name, input))
  return {
    async act(input: string, ctx: StepContext): Promise<void> {
      if (kind === 'never') return
      const key = `${ctx.runId} ${name} ${input}`
      const attempt = await ctx.effect('attempt', { class: 'read' }, () => {
        draw.attempts.set(key, (draw.attempts.get(key) ?? 0) + 1)
        return draw.attempts.get(key) ?? 0
      })
      if (fails(input, attempt)) throw new Error(`${name} fails`)
    },
    /** Returns the value after the retries of the rule. */
    afterRetries: (input: string, value: string): Value =>
      several(draw.rule?.retry?.attempts ?? 1, (i) => i + 1).some((attempt) => !fails(input, attempt))
        ? value
        : draw.rule?.value,
  }
}

function worker(draw: Draw): Expression {
  const name = named(draw, 'W')
  const { act, afterRetries } = failures(draw, name)
  const entry = defineAgent({
    name,
    run: async (input: string, ctx) => {
      await act(input, ctx)
      return `${name}(${input})`
    },
  })
  return { name, entry, resultOf: (input) => afterRetries(input, `${name}(${input})`) }
}

function pipeline(draw: Draw, depth: number): Expression {
  const stages = several(1 + below(draw, 3), () => expression(draw, depth))
  const path = ['Start', ...stages.map(({ name }) => name), 'End']
  const name = named(draw, 'T')
  const flows = path.slice(1).map((to, i) => `${path[i]} -> ${to}`)
  return {
    name,
    entry: { name, topology: { agents: stages.map(({ entry }) => entry), flows } },
    resultOf: (input) => stages.reduce<Value>((value, { resultOf }) => value && resultOf(value), input),
  }
}

type Policy = 'failFast' | 'collect' | 'continue'
const policies: readonly Policy[] = ['failFast', 'collect', 'continue']

/** Returns the text of the results that meet at a join; undefined if the join fails. */
function meet(values: readonly Value[], policy: Policy): Value {
  if (policy === 'failFast' && values.includes(undefined)) return undefined
  const present = policy === 'continue' ? values.filter((value) => value !== undefined) : values
  return present.map((value) => value ?? '-').join()
}
const textOf = ({ results }: Results): string =>
  results.map(({ success, value }) => (success ? String(value) : '-')).join()

function parallel(draw: Draw, depth: number): Expression {
  const first = worker(draw)
  const branches = several(2 + below(draw, 2), () => expression(draw, depth))
  const [name, last, onFailure] = [named(draw, 'T'), named(draw, 'M'), pick(draw, policies)]
  const { act, afterRetries } = failures(draw, last)
  const merge = defineAgent({
    name: last,
    run: async (input: Results, ctx) => {
      await act(textOf(input), ctx)
      return `${last}[${textOf(input)}]`
    },
  })
  const topology = {
    agents: [first.entry, ...branches.map(({ entry }) => entry), merge],
    flows: [
      `Start -> ${first.name}`,
      `${first.name} => {${branches.map((branch) => branch.name).join(', ')}}`,
      ...branches.map((branch) => `${branch.name} -> ${last}`),
      `${last} -> End`,
    ],
    nodes: { [last]: { onFailure } },
  }
  const resultOf = (input: string): Value => {
    const value = first.resultOf(input)
    const joined =
      value &&
      meet(
        branches.map((branch) => branch.resultOf(value)),
        onFailure,
      )
    return joined === undefined ? undefined : afterRetries(joined, `${last}[${joined}]`)
  }
  return { name, entry: { name, topology }, resultOf }
}

function hub(draw: Draw, depth: number): Expression {
  const spokes = several(1 + below(draw, 3), () => expression(draw, depth))
  const invoked = several(1 + below(draw, 4), () => pick(draw, spokes))
  const [name, center, onFailure] = [named(draw, 'T'), named(draw, 'H'), pick(draw, policies)]
  const agent = defineAgent({
    name: center,
    run: async (input: string | Results) =>
      typeof input === 'string'
        ? invoke(invoked.map((spoke, i) => ({ agent: spoke.name, input: `${i}:${input}` })))
        : finish(`${center}{${textOf(input)}}`),
  })
  const topology = {
    agents: [agent, ...spokes.map(({ entry }) => entry)],
    flows: [`Start -> ${center}`, ...spokes.map((spoke) => `${center} <-> ${spoke.name}`), `${center} -> End`],
    nodes: { [center]: { onFailure } },
  }
  const resultOf = (input: string): Value => {
    const joined = meet(
      invoked.map((spoke, i) => spoke.resultOf(`${i}:${input}`)),
      onFailure,
    )
    return joined === undefined ? undefined : `${center}{${joined}}`
  }
  return { name, entry: { name, topology }, resultOf }
}

/** Two ways that meet; the branch takes one of them by a hand-off. */
function choice(draw: Draw, depth: number): Expression {
  const [one, other] = [expression(draw, depth), expression(draw, depth)]
  const [name, first, last] = [named(draw, 'T'), named(draw, 'C'), named(draw, 'J')]
  const way = (input: string): Expression => (isEven(first, input) ? one : other)
  const chooser = defineAgent({ name: first, run: async (input: string) => handOff(way(input).name, input) })
  const join = defineAgent({
    name: last,
    run: async (input: string | Results) => `${last}(${typeof input === 'string' ? input : textOf(input)})`,
  })
  const topology = {
    agents: [chooser, one.entry, other.entry, join],
    flows: [
      `Start -> ${first}`,
      ...[one, other].flatMap((each) => [`${first} -> ${each.name}`, `${each.name} -> ${last}`]),
      `${last} -> End`,
    ],
  }
  const resultOf = (input: string): Value => {
    const value = way(input).resultOf(input)
    return value === undefined ? undefined : `${last}(${value})`
  }
  return { name, entry: { name, topology }, resultOf }
}

function pattern(draw: Draw): Expression {
  const name = named(draw, 'T')
  const make = <In>(run: (input: In) => unknown): Agent =>
    defineAgent({ name: named(draw, 'P'), run: async (input: In) => run(input) }) as Agent
  const [size, kind] = [1 + below(draw, 3), pick(draw, ['ring', 'mapReduce', 'loop'] as const)]
  if (kind === 'ring') {
    const agents = [make((input: string) => `a${input}`), make((input: string) => `b${input}`)]
    const topology = patterns.ring({ agents, rounds: size })
    return { name, entry: { name, topology }, resultOf: (input) => `${'ba'.repeat(size)}${input}` }
  }
  if (kind === 'mapReduce') {
    const items = (input: string) => several(size - 1, (i) => `${i}${input}`)
    const [map, reduce] = [make((item: string) => `m${item}`), make((input: Results) => `r${textOf(input)}`)]
    const topology = patterns.mapReduce({ map, reduce, split: items })
    return { name, entry: { name, topology }, resultOf: (input) => `r${items(input).map((item) => `m${item}`)}` }
  }
  const max = 1 + below(draw, 3)
  const body = make((input: string | { value: string }) =>
    typeof input === 'string' ? `${input}+` : `${input.value}+`,
  )
  const check = make((value: string) => ({ pass: value.endsWith('+'.repeat(size)), feedback: 'more' }))
  const topology = patterns.loop({ body, check, max })
  const rounds = (input: string) => several(max, (i) => `${input}${'+'.repeat(i + 1)}`)
  return {
    name,
    entry: { name, topology },
    // An unfinished loop is a failed step, which the rule handles.
    resultOf: (input) => rounds(input).find((value) => value.endsWith('+'.repeat(size))) ?? draw.rule?.value,
  }
}
