/**
 * An agent of another framework as an agent of Troupe. Each step makes one call of it, and each call is one effect:
 * its parts are neither recorded nor replayed. Between steps an agent has only the state that its framework stores under
 * `ForeignCall.thread`.
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
import { checkOptionNames, copyJson, failure, hashText, type Json, parse, type Schema, show } from '../../core/index.ts'
import type { EffectClass } from '../../journal/index.ts'
import { isTokenCount } from '../../models/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'

/** The context of one call of a foreign agent. */
export interface ForeignCall {
  /** The idempotency key: the same if an idempotent call is repeated after a crash. */
  readonly key: string
  /** Aborts when the step is cancelled or times out. */
  readonly signal: AbortSignal
  /** The user for whom the call is made. */
  readonly user: string
  /**
   * The name of this user's thread or branch, different from that of every other: a key for memory that the framework
   * stores.
   */
  readonly thread: string
}

/** Options of a foreign agent. */
export interface ForeignOptions extends AgentAccess {
  /** The name of the agent. */
  readonly name: string
  /** What the agent does, for models that may invoke it. */
  readonly description?: string
  /** The schema of its input, except results of agents that it invoked. Invalid input fails the step. */
  readonly inputSchema?: Schema
  /** The schema of its answer. An invalid answer fails the step and does not repeat the call. */
  readonly outputSchema?: Schema
  /**
   * The effect class of each call; `at-most-once` by default, since the effects of its tools are unknown: a call that a
   * crash interrupted is `uncertain` and waits for a person. `idempotent` repeats the call with the same key: for
   * agents that only read, or whose tools use the key.
   */
  readonly effect?: Exclude<EffectClass, 'pure'>
  /** `provider/model` whose price its tokens have; without it their cost is unknown, and reported so. */
  readonly model?: string
  /** The tokens that are reserved from the budget of the run before a call; 10,000 by default. */
  readonly maxTokens?: number
}

/** The result of one call. */
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
 * @param adapter the kind of the agent: its name in errors, its further options, and its call
 * @throws ValidationError for an invalid or unknown option
 */
export function foreignAgent(
  options: ForeignOptions,
  adapter: {
    readonly what: string
    readonly options: readonly string[]
    /**
     * Its code and settings as far as they can be read: a change of them is reported for runs that were started before.
     */
    readonly seen: string
    readonly call: (input: Json, call: ForeignCall) => Promise<ForeignResult>
  },
): Agent {
  checkOptionNames(adapter.what, options, [...known, ...adapter.options])
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
      const { value, usage, toolCalls, isShared } = await carryOut(effectOf, input, entry)
      const checked = outputSchema ? await parse(outputSchema, value, `The output of ${name}`) : value
      const usd = model === undefined ? undefined : entry.services.external.models.costOf(model, usage)
      const report: StepReport = {
        text: typeof value === 'string' ? value : JSON.stringify(value),
        usage,
        cost: { usd: usd ?? 0, unknown: usd === undefined ? [model ?? name] : [] },
        toolCalls,
        model: model ?? '',
        ...(isShared ? { models: {} } : {}),
      }
      return { kind: 'value', value: copyJson(checked, `The output of ${name}`), report }
    },
  } satisfies Agent)
}

interface Recorded {
  /** Present in a fork: its source has counted the usage. */
  readonly isShared?: true
  readonly value: Json
  readonly usage: StepReport['usage']
  readonly toolCalls: StepReport['toolCalls']
}

/** Returns plain JSON, live and from the record alike. */
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
  const { clock } = services.platform
  const { models } = services.external
  const { budget } = services.limits
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
      // A call that ignores the signal is not awaited any longer.
      return withTimeLimit(limit, async (inner) => {
        const { value, usage, toolCalls = [] } = await own.call(input, { ...callIdentity, signal: inner })
        return {
          value: copyJson(value ?? null, `The answer of ${own.name}`),
          usage: { inputTokens: count(usage?.inputTokens), outputTokens: count(usage?.outputTokens) },
          toolCalls,
        }
      })
    },
  )
}

const count = (tokens: unknown): number => (isTokenCount(tokens) ? Math.floor(tokens) : 0)

/** Returns the input for an agent that takes texts. */
export const inputText = (input: Json): string => (typeof input === 'string' ? input : JSON.stringify(input))

/** Returns a value as far as JSON can carry it. */
export function looseJson(value: unknown): Json {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null') as Json
  } catch {
    return String(value)
  }
}

/** The error of a call that ended without an answer. An empty answer counts as none. */
export const unfinished = (agent: string, problem: string) => failure('compat.unfinished', { agent, problem })
