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
  type StepSpent,
  spentOfFailure,
  withSpent,
} from '../../agents/index.ts'
import { checkAgentName } from '../../context/index.ts'
import {
  checkOptionNames,
  copyJson,
  failure,
  hashText,
  type Json,
  parse,
  type Schema,
  show,
  storeError,
  textOfValue,
} from '../../core/index.ts'
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
  readonly toolCalls?: StepReport['toolCalls']
}
type ForeignUsage =
  | { readonly inputTokens?: number | undefined; readonly outputTokens?: number | undefined }
  | undefined

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

/** @param report takes the usage so far; a call that fails afterwards is charged with it */
type CallForeign = (input: Json, call: ForeignCall, report: (usage: ForeignUsage) => void) => Promise<ForeignResult>

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
    readonly call: CallForeign
  },
): Agent {
  checkOptionNames(adapter.what, options, [...known, ...adapter.options])
  const name = checkAgentName(options.name)
  const { description, inputSchema, outputSchema, effect = 'at-most-once', model, maxTokens = assumedTokens } = options
  const wrong = (problem: string) => failure('agent.wrong', { agent: name, problem })
  if (!classes.includes(effect)) throw wrong(`effect is ${show(effect)}, not ${classes.join(', ')}`)
  if (!(Number.isSafeInteger(maxTokens) && maxTokens > 0))
    throw wrong(`maxTokens is ${show(maxTokens)}, not a whole number`)
  const outputOf = async (value: Json): Promise<Json> => {
    const what = `The output of ${name}`
    return copyJson(outputSchema ? await parse(outputSchema, value, what) : value, what)
  }
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
      const spentOf = (usage: StepReport['usage']): StepSpent => {
        const usd = model === undefined ? undefined : entry.services.external.models.costOf(model, usage)
        const models = { [model ?? '']: { ...usage, ...(usd === undefined ? {} : { cost: usd }) } }
        return { usage, cost: { usd: usd ?? 0, unknown: usd === undefined ? [model ?? name] : [] }, models }
      }
      const effectOf = { name, class: effect, maxTokens, model, call: adapter.call, spentOf }
      try {
        const { value, usage, toolCalls, isShared } = await carryOut(effectOf, input, entry)
        const spent = spentOf(usage)
        const checked = await outputOf(value).catch((error: unknown) => {
          throw withSpent(error, spent)
        })
        const text = textOfValue(value)
        const report = { ...spent, text, toolCalls, model: model ?? '', ...(isShared ? { models: {} } : {}) }
        return { kind: 'value', value: checked, report }
      } catch (error) {
        const spent = spentOfFailure(storeError(error))
        if (spent) entry.onSpent?.(spent)
        throw error
      }
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
    readonly call: CallForeign
    readonly spentOf: (usage: StepReport['usage']) => StepSpent
  },
  input: Json,
  { ctx, recorder, services, thread, onSpent }: StepEntry,
): Promise<Recorded> {
  const { clock } = services.platform
  const { models } = services.external
  const { budget } = services.limits
  const user = recorder.principal.userId
  const costOf = (usage: StepReport['usage']) => (own.model === undefined ? 0 : (models.costOf(own.model, usage) ?? 0))
  const reserved = { tokens: own.maxTokens, cost: costOf({ inputTokens: 0, outputTokens: own.maxTokens }) }
  const id = `${thread}/${own.name}`
  const charge = ({ output, error }: { readonly output?: Recorded; readonly error?: unknown }) => {
    const usage = output?.usage ?? (error === undefined ? undefined : spentOfFailure(storeError(error))?.usage)
    if (!usage) return budget?.charge(id, reserved) ?? { statements: [] }
    const { inputTokens, outputTokens } = usage
    const used = { tokens: inputTokens + outputTokens, cost: costOf(usage), inputTokens, outputTokens }
    return budget?.charge(id, used) ?? { statements: [] }
  }
  return ctx.effect<Recorded>(
    `call ${own.name}`,
    { class: own.class, input, ...(budget ? { claim: () => budget.reserve(id, reserved), charge } : {}) },
    async ({ key, signal }) => {
      const limit = { clock, limitMs: undefined, kind: 'step', what: own.name, signal }
      const callIdentity = { key, user, thread: hashText(`${user}\n${thread}`) }
      let usage = { inputTokens: 0, outputTokens: 0 }
      const report = (used: ForeignUsage) => {
        usage = { inputTokens: count(used?.inputTokens), outputTokens: count(used?.outputTokens) }
        onSpent?.(own.spentOf(usage))
      }
      try {
        // A call that ignores the signal is not awaited any longer.
        return await withTimeLimit(limit, async (inner) => {
          const { value, toolCalls = [] } = await own.call(input, { ...callIdentity, signal: inner }, report)
          return { value: copyJson(value ?? null, `The answer of ${own.name}`), usage, toolCalls }
        })
      } catch (error) {
        throw withSpent(error, own.spentOf(usage))
      }
    },
  )
}

const count = (tokens: unknown): number => (isTokenCount(tokens) ? Math.floor(tokens) : 0)

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
