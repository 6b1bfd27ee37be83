/**
 * An agent of another framework as one of ours. Each step is one call of it and each call one effect: what it does inside
 * is its own, neither recorded nor entered again piece by piece. It keeps nothing between steps but what its framework
 * keeps under `ForeignCall.thread`.
 */
import {
  type Agent,
  type AgentAccess,
  checkAgentAccess,
  checkStepEntry,
  type StepEntry,
  type StepReport,
} from '../../agents/index.ts'
import { checkAgentName } from '../../context/index.ts'
import { checkOptions, encodeJson, failure, hashText, type Json, parse, type Schema, show } from '../../core/index.ts'
import type { EffectClass } from '../../journal/index.ts'
import { isTokenCount } from '../../models/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'

/** What one call is told of where it stands. */
export interface ForeignCall {
  /** The idempotency key: the same where an idempotent call is repeated after a crash. */
  readonly key: string
  /** Aborts when the step is cancelled or out of time. */
  readonly signal: AbortSignal
  readonly user: string
  /** Of this user's thread or branch and of no other: a name for memory that the framework keeps by itself. */
  readonly thread: string
}

export interface ForeignOptions extends AgentAccess {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: Schema
  /** Of its answer. A wrong one fails the step and does not repeat the call. */
  readonly outputSchema?: Schema
  /**
   * Of each call; `at-most-once` by default, because nobody sees what its tools do: a call that a crash cut off is `uncertain`
   * and waits for a person. `idempotent` repeats it with the same key: for agents that only read and think, or whose
   * tools take the key.
   */
  readonly effect?: Exclude<EffectClass, 'pure'>
  /** `provider/model` whose price its tokens have; without it their cost is unknown, and said to be. */
  readonly model?: string
  /** What a call is taken to need of a run's budget before it starts; 10,000 by default. */
  readonly maxTokens?: number
}

/** What one call came to. */
export interface ForeignResult {
  readonly value: unknown
  readonly usage?: { readonly inputTokens?: number | undefined; readonly outputTokens?: number | undefined } | undefined
  readonly toolCalls?: StepReport['toolCalls']
}

const known = [
  'name',
  'description',
  'inputSchema',
  'outputSchema',
  'effect',
  'model',
  'maxTokens',
  'role',
  'allow',
  'deny',
]
const classes = ['read', 'idempotent', 'at-most-once']
const assumedTokens = 10_000

/**
 * @param adapter what makes it: its name in errors, the options it takes besides, and how it calls
 * @throws ValidationError for an option that is wrong or unknown
 */
export function foreignAgent(
  options: ForeignOptions,
  adapter: {
    readonly what: string
    readonly options: readonly string[]
    /** Of its code and settings as far as they can be seen: a run that was started with others says so. */
    readonly seen: string
    readonly call: (input: Json, call: ForeignCall) => Promise<ForeignResult>
  },
): Agent {
  checkOptions(adapter.what, options, [...known, ...adapter.options])
  const name = checkAgentName(options.name)
  const { description, inputSchema, outputSchema, effect = 'at-most-once', model, maxTokens = assumedTokens } = options
  const wrong = (problem: string) => failure('agent.wrong', { agent: name, problem })
  if (!classes.includes(effect)) throw wrong(`effect is ${show(effect)}, not ${classes.join(', ')}`)
  if (!(Number.isSafeInteger(maxTokens) && maxTokens > 0))
    throw wrong(`maxTokens is ${show(maxTokens)}, not a whole number`)
  return Object.freeze({
    name,
    access: checkAgentAccess(options, name),
    fingerprint: hashText([name, adapter.what, effect, model ?? '', adapter.seen].join('\n')),
    ...(description === undefined ? {} : { description }),
    ...(inputSchema ? { inputSchema } : {}),
    ...(outputSchema ? { outputSchema } : {}),
    async step(entry) {
      checkStepEntry(name, entry)
      const input =
        inputSchema && !entry.results
          ? ((await parse(inputSchema, entry.input, `The input of ${name}`)) as Json)
          : entry.input
      const effectOf = { name, class: effect, maxTokens, model, call: adapter.call }
      const { value, usage, toolCalls } = await carryOut(effectOf, input, entry)
      const checked = outputSchema ? await parse(outputSchema, value, `The output of ${name}`) : value
      const usd = model === undefined ? undefined : entry.services.models.costOf(model, usage)
      const report: StepReport = {
        text: typeof value === 'string' ? value : JSON.stringify(value),
        usage,
        cost: { usd: usd ?? 0, unknown: usd === undefined ? [model ?? name] : [] },
        toolCalls,
        model: model ?? '',
      }
      return { kind: 'value', value: JSON.parse(encodeJson(checked, `The output of ${name}`)) as Json, report }
    },
  } satisfies Agent)
}

interface Recorded {
  readonly value: Json
  readonly usage: StepReport['usage']
  readonly toolCalls: StepReport['toolCalls']
}

/** Plain JSON comes back, live and from the record alike. */
async function carryOut(
  own: {
    readonly name: string
    readonly class: EffectClass
    readonly maxTokens: number
    readonly model: string | undefined
    readonly call: (input: Json, call: ForeignCall) => Promise<ForeignResult>
  },
  input: Json,
  { ctx, recorder, services, thread }: StepEntry,
): Promise<Recorded> {
  const { budget, clock, models } = services
  const user = recorder.principal.userId
  const costOf = (usage: StepReport['usage']) => (own.model === undefined ? 0 : (models.costOf(own.model, usage) ?? 0))
  const reserved = { tokens: own.maxTokens, cost: costOf({ inputTokens: 0, outputTokens: own.maxTokens }) }
  const id = `${thread}/${own.name}`
  const charge = ({ output }: { readonly output?: Recorded; readonly error?: unknown }) => {
    if (!output) return budget?.charge(id, reserved) ?? { statements: [] }
    const { inputTokens, outputTokens } = output.usage
    const used = { tokens: inputTokens + outputTokens, cost: costOf(output.usage), inputTokens, outputTokens }
    return budget?.charge(id, used) ?? { statements: [] }
  }
  return ctx.effect<Recorded>(
    `call ${own.name}`,
    { class: own.class, input, ...(budget ? { claim: () => budget.reserve(id, reserved), charge } : {}) },
    ({ key, signal }) => {
      const limit = { clock, limitMs: undefined, kind: 'step', what: own.name, signal }
      const callIdentity = { key, user, thread: hashText(`${user}\n${thread}`) }
      // Whoever ignores the signal is no longer waited for.
      return withTimeLimit(limit, async (inner) => {
        const { value, usage, toolCalls = [] } = await own.call(input, { ...callIdentity, signal: inner })
        return {
          value: JSON.parse(encodeJson(value ?? null, `The answer of ${own.name}`)) as Json,
          usage: { inputTokens: count(usage?.inputTokens), outputTokens: count(usage?.outputTokens) },
          toolCalls,
        }
      })
    },
  )
}

const count = (tokens: unknown): number => (isTokenCount(tokens) ? Math.floor(tokens) : 0)

/** What an agent that takes texts is told. */
export const inputText = (input: Json): string => (typeof input === 'string' ? input : JSON.stringify(input))

/** What others report of calls is kept as far as JSON carries it. */
export function looseJson(value: unknown): Json {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null') as Json
  } catch {
    return String(value)
  }
}

/** It stopped without an answer; an empty one never passes for success. */
export const unfinished = (agent: string, problem: string) => failure('compat.unfinished', { agent, problem })
