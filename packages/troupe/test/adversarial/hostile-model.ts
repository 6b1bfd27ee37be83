/**
 * What agents of a hostile team do: they loop, stall, flood, fork, lie about what they used, answer nonsense, call whom
 * nobody knows, ask for ever. Chance comes from the team's seed alone, and what is done differently when a step is
 * entered again is one of the misdeeds.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from '@ai-sdk/provider'
import type { Random } from '../../src/core/index.ts'
import type { Json, StepContext } from '../../src/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

/** What the world saw of a team, to be held against its budgets. */
export interface Seen {
  modelCalls: number
  /** By what the models told. */
  tokens: number
  largestCall: number
}

export interface Scenario {
  readonly random: Random
  readonly names: readonly string[]
  readonly seen: Seen
}

export const pick = <T>({ next }: Random, list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
export const upTo = ({ next }: Random, max: number): number => 1 + Math.floor(next() * max)

const never = new Promise<never>(() => {})
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

type HostileAction = (input: Json, ctx: StepContext, scenario: Scenario) => unknown

const someone = ({ random, names }: Scenario) =>
  pick(random, [...names, ...names, 'Nobody', 'User', 'End', '__proto__', ''])
const targets = (scenario: Scenario, max: number) =>
  Array.from({ length: upTo(scenario.random, max) }, () => ({
    agent: someone(scenario),
    input: scenario.random.next(),
  }))

const nonsense: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  () => 1,
  10n,
  Symbol.iterator,
  new Date(0),
  new Map([[1, 2]]),
  { kind: 'invoke' },
  { kind: 'finish', value: { deep: { undefined } } },
  { results: [{ agent: 'A', success: true, value: 1 }] },
  '',
  '\u0000\ud800',
  { __proto__: { kind: 'finish' }, toJSON: () => ({ kind: 'handOff' }) },
]

export const hostileActions: Readonly<Record<string, HostileAction>> = {
  value: (_, __, { random }) => random.next(),
  finish: (_, __, { random }) => troupe.finish(random.next()),
  loop: (_, __, scenario) => troupe.invoke([{ agent: pick(scenario.random, scenario.names), input: 'again' }]),
  handOff: (_, __, scenario) => troupe.handOff(someone(scenario), 'yours'),
  flood: (_, __, scenario) => troupe.invoke(targets(scenario, 40)),
  fork: (_, __, { names }) => troupe.invoke(names.map((agent) => ({ agent, input: 'fork' }))),
  invokeNone: () => troupe.invoke([]),
  nonsense: (_, __, { random }) => pick(random, nonsense),
  stall: () => never,
  stallPolitely: (_, { signal }) => untilAborted(signal),
  fail: (_, __, { random }) => {
    throw pick<unknown>(random, [new Error('no'), 'a text', null, { code: 'guard.tripped' }, new RangeError('far')])
  },
  huge: () => 'x'.repeat(300_000),
  tooHuge: () => 'x'.repeat(9_000_000),
  echo: (input) => [input, input],
  ask: (_, ctx, { random }) => ctx.ask({ kind: pick(random, ['question', 'confirmation', 'draft']), text: 'Well?' }),
  askForEver: async (_, ctx) => {
    for (;;) await ctx.ask({ text: 'And now?', timeout: '3s', default: null })
  },
  askRepeatedly: (_, ctx) => Promise.all(Array.from({ length: 20 }, (_one, i) => ctx.ask({ text: `Number ${i}?` }))),
  request: (_, ctx, scenario) => ctx.request(Ask, { n: 1 }, { to: someone(scenario), timeout: '20s' }),
  requestEveryone: (_, ctx, { names }) =>
    Promise.race(names.map((to) => ctx.request(Ask, { n: 2 }, { to, timeout: '20s' }))),
  mail: async (_, ctx, scenario) => {
    for (const { agent } of targets(scenario, 30)) await ctx.messages.send(Note, { text: 'psst' }, { to: agent })
  },
  write: async (_, ctx, { random }) => {
    for (let i = upTo(random, 30); i > 0; i--) await ctx.context.push(`flood.${i}`, random.next())
  },
  commitAlways: async (_, ctx, { random }) => {
    for (let i = upTo(random, 10); i > 0; i--) await ctx.commit()
  },
  fickle: async (_, ctx, { random }) => {
    await ctx.effect(`effect ${random.next()}`, { class: 'at-most-once', input: random.next() }, async () =>
      random.next(),
    )
    return ctx.ask({ text: 'Shall I forget what I did?', timeout: '2s', default: null })
  },
  stallInEffect: (_, ctx, { random }) =>
    ctx.effect('stall', { class: pick(random, ['at-most-once', 'idempotent', 'read', 'pure'] as const) }, () => never),
  child: async (_, ctx, scenario) => {
    const inner = troupe.defineAgent({
      name: 'Inner',
      run: (input: Json, own) =>
        (pick(scenario.random, [hostileActions.child, hostileActions.value, hostileActions.stall]) as HostileAction)(
          input,
          own,
          scenario,
        ),
    })
    const topology = { agents: [inner], flows: ['Start -> Inner', 'Inner -> End'] }
    const run = await ctx.startRun({ task: 'deeper', topology, config: { budget: { time: '20s' } } })
    return (await run.result()).status
  },
}

const Ask = troupe.defineMessage('adversary.ask')
const Note = troupe.defineMessage('adversary.note')

/** What a hostile model answers. */
const answers: readonly ((
  options: LanguageModelV4CallOptions,
  scenario: Scenario,
) => LanguageModelV4GenerateResult['content'])[] = [
  () => [],
  () => [{ type: 'text', text: 'Let me think about that a little more.' }],
  () => [{ type: 'text', text: '{"broken": ' }],
  () => [{ type: 'text', text: 'word '.repeat(20_000) }],
  (_, scenario) => [call('finish', { answer: scenario.random.next() })],
  (_, scenario) => [call('hand_off', { agent_name: someone(scenario), request: 'yours' })],
  (_, scenario) => [
    call('invoke_agent', { invocations: targets(scenario, 12).map((t) => ({ agent_name: t.agent, request: 'go' })) }),
  ],
  () => [call('ask_user', { question: 'What?' })],
  () => [call('no_such_tool', {})],
  () => [{ type: 'tool-call', toolCallId: '', toolName: 'look', input: '{not json' }],
  () => [call('look', { q: 'same' })],
  (_, { random }) => [call('look', { q: String(random.next()) })],
  () => Array.from({ length: 30 }, () => call('look', { q: 'many' })),
  () => [call('stall', {})],
  () => [call('fail', {})],
  () => [call('helper', { request: 'help me to help you' })],
  ({ tools = [] }) => tools.map(({ name }) => call(name, {})),
  () => 'no list' as never,
  () => {
    throw Object.assign(new Error('the provider is down'), { statusCode: 503 })
  },
]

const call = (toolName: string, input: unknown) =>
  ({ type: 'tool-call', toolCallId: 'c', toolName, input: JSON.stringify(input) }) as const

/** It tells more or less than it used, or what is no number at all. */
const lies: readonly ((honest: number) => unknown)[] = [
  (honest) => honest,
  (honest) => honest,
  () => 0,
  () => undefined,
  () => -1_000_000,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 5_000,
  () => '17',
]

export function hostileModel(scenario: Scenario): LanguageModelV4 {
  const { random, seen } = scenario
  const favourites = Array.from({ length: 2 }, () => pick(random, answers))
  const lie = pick(random, lies)
  const distort = (honest: number) => lie(honest) as number | undefined
  return {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'hostile',
    supportedUrls: {},
    async doGenerate(options) {
      seen.modelCalls++
      if (random.next() < 0.03) return untilAborted(options.abortSignal ?? new AbortController().signal)
      const content = pick(random, random.next() < 0.7 ? favourites : answers)(options, scenario)
      const [total, out] = [distort(40), distort(20)]
      const reported = [total, out].map((n) => (typeof n === 'number' && n > 0 && Number.isFinite(n) ? n : 0))
      const used = (reported[0] as number) + (reported[1] as number)
      seen.tokens += used
      seen.largestCall = Math.max(seen.largestCall, used)
      return {
        content,
        finishReason: { unified: pick(random, ['stop', 'length', 'tool-calls', 'error'] as const), raw: undefined },
        usage: {
          inputTokens: { total, noCache: total, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: out, text: out, reasoning: 0 },
        },
        warnings: [],
      }
    },
    async doStream() {
      throw new Error('it does not stream')
    },
  }
}
