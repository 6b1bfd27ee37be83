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

export interface Hand {
  readonly random: Random
  readonly names: readonly string[]
  readonly seen: Seen
}

export const pick = <T>({ next }: Random, list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
export const upTo = ({ next }: Random, most: number): number => 1 + Math.floor(next() * most)

const never = new Promise<never>(() => {})
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

type Deed = (input: Json, ctx: StepContext, hand: Hand) => unknown

const someone = ({ random, names }: Hand) =>
  pick(random, [...names, ...names, 'Nobody', 'User', 'End', '__proto__', ''])
const targets = (hand: Hand, most: number) =>
  Array.from({ length: upTo(hand.random, most) }, () => ({ agent: someone(hand), input: hand.random.next() }))

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

export const deeds: Readonly<Record<string, Deed>> = {
  value: (_, __, { random }) => random.next(),
  finish: (_, __, { random }) => troupe.finish(random.next()),
  loop: (_, __, hand) => troupe.invoke([{ agent: pick(hand.random, hand.names), input: 'again' }]),
  handOff: (_, __, hand) => troupe.handOff(someone(hand), 'yours'),
  flood: (_, __, hand) => troupe.invoke(targets(hand, 40)),
  fork: (_, __, { names }) => troupe.invoke(names.map((agent) => ({ agent, input: 'fork' }))),
  invokeNobody: () => troupe.invoke([]),
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
  askMany: (_, ctx) => Promise.all(Array.from({ length: 20 }, (_one, i) => ctx.ask({ text: `Number ${i}?` }))),
  request: (_, ctx, hand) => ctx.request(Ask, { n: 1 }, { to: someone(hand), timeout: '20s' }),
  requestEveryone: (_, ctx, { names }) =>
    Promise.race(names.map((to) => ctx.request(Ask, { n: 2 }, { to, timeout: '20s' }))),
  mail: async (_, ctx, hand) => {
    for (const { agent } of targets(hand, 30)) await ctx.messages.send(Note, { text: 'psst' }, { to: agent })
  },
  write: async (_, ctx, { random }) => {
    for (let i = upTo(random, 30); i > 0; i--) await ctx.context.push(`flood.${i}`, random.next())
  },
  commitAlways: async (_, ctx, { random }) => {
    for (let i = upTo(random, 10); i > 0; i--) await ctx.commit()
  },
  fickle: async (_, ctx, { random }) => {
    await ctx.effect(`effect ${random.next()}`, { class: 'once', input: random.next() }, async () => random.next())
    return ctx.ask({ text: 'Shall I forget what I did?', timeout: '2s', default: null })
  },
  stallInEffect: (_, ctx, { random }) =>
    ctx.effect('stall', { class: pick(random, ['once', 'idempotent', 'read', 'pure'] as const) }, () => never),
  child: async (_, ctx, hand) => {
    const inner = troupe.defineAgent({
      name: 'Inner',
      run: (input: Json, own) => (pick(hand.random, [deeds.child, deeds.value, deeds.stall]) as Deed)(input, own, hand),
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
  hand: Hand,
) => LanguageModelV4GenerateResult['content'])[] = [
  () => [],
  () => [{ type: 'text', text: 'Let me think about that a little more.' }],
  () => [{ type: 'text', text: '{"broken": ' }],
  () => [{ type: 'text', text: 'word '.repeat(20_000) }],
  (_, hand) => [call('finish', { answer: hand.random.next() })],
  (_, hand) => [call('hand_off', { agent_name: someone(hand), request: 'yours' })],
  (_, hand) => [
    call('invoke_agent', { invocations: targets(hand, 12).map((t) => ({ agent_name: t.agent, request: 'go' })) }),
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

export function hostileModel(hand: Hand): LanguageModelV4 {
  const { random, seen } = hand
  const favourites = Array.from({ length: 2 }, () => pick(random, answers))
  const lie = pick(random, lies)
  const tell = (honest: number) => lie(honest) as number | undefined
  return {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'hostile',
    supportedUrls: {},
    async doGenerate(options) {
      seen.modelCalls++
      if (random.next() < 0.03) return untilAborted(options.abortSignal ?? new AbortController().signal)
      const content = pick(random, random.next() < 0.7 ? favourites : answers)(options, hand)
      const [total, out] = [tell(40), tell(20)]
      const told = [total, out].map((n) => (typeof n === 'number' && n > 0 && Number.isFinite(n) ? n : 0))
      const used = (told[0] as number) + (told[1] as number)
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
