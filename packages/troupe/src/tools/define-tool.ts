/** A tool: a named function with a schema that an agent may call. It is checked when it is defined, and then frozen. */
import {
  checkFunction,
  checkName,
  checkOptions,
  checkSchema,
  type Duration,
  invalidInput,
  isListOf,
  isObject,
  isText,
  type Json,
  milliseconds,
  modelSchemaOf,
  readable,
  type Schema,
  show,
  type TaintLabel,
} from '../core/index.ts'
import type { DocumentEmbeddings, DocumentReranking } from '../documents/index.ts'
import type { Reconciled, Recorder } from '../journal/index.ts'
import { type CompiledRule, compileRules, type Fetch, type PolicyRule, type ToolPolicyRule } from '../security/index.ts'
import { objectSchema } from './object-schema.ts'
import type { StepContext } from './step-context.ts'

/**
 * `pure`: computed from the arguments alone, not recorded, computed again when the step is executed again. `read`: recorded.
 * `idempotent`: retried with the same key. `at-most-once`: claimed before it starts, never retried by itself.
 */
export type ToolEffect = 'pure' | 'read' | 'idempotent' | 'at-most-once'

/** The second argument of `execute`, for a tool that is not durable. */
export interface ToolCall {
  /** Aborts when the call has timed out, or the step is cancelled or loses its run. */
  readonly signal: AbortSignal
  /** The idempotency key. It is the same when this call is retried: pass it to the external service. */
  readonly key: string
  /** The `fetch` of the standard, within the egress rules. Reading a response marks the result as untrusted. */
  readonly fetch: Fetch
}

/** The models of the troupe that rank documents; absent if the troupe has none. */
export interface DocumentModels {
  readonly embeddings?: DocumentEmbeddings
  readonly reranking?: DocumentReranking
}

/** The call of `searchDocuments`, with the models of the troupe, called on behalf of the user. */
export interface SearchCall extends ToolCall, DocumentModels {}

/** The second argument of `execute`, for a durable tool. */
export interface DurableToolCall {
  /** Aborts when the step is cancelled or loses its run, or when the work of the tool exceeds its `timeout`. */
  readonly signal: AbortSignal
  /** The context of the step, with the rights of the agent and a stage for this call. */
  readonly ctx: StepContext
}

/** The call of a durable tool of Troupe, with its recorder: stored values carry the labels of the recorder. */
export interface BodyCall extends DurableToolCall {
  readonly recorder: Recorder
}

interface Common<In, Out> {
  /** The name: at most 64 letters, digits, `_` and `-`, which every provider accepts. */
  readonly name: string
  /** The description, which models read. */
  readonly description: string
  /** The schema of the arguments. It must provide the JSON Schema of an object, as zod 4 schemas do. */
  readonly inputSchema: Schema<In>
  /** The schema of the result. A result that does not fit is reported to the model as a failure. */
  readonly outputSchema?: Schema<Out>
  /**
   * The time limit of a call; the tool timeout of the run by default. For a durable tool it limits the work, without
   * the waits for answers.
   */
  readonly timeout?: Duration
  /** True if a person must approve the exact arguments of each call; a function decides for each call. False by default. */
  readonly needsApproval?: boolean | ((input: In) => boolean | Promise<boolean>)
  /** Its results come from outside: they carry the label `untrusted:SOURCE`. `true` names the tool as the source. */
  readonly untrusted?: boolean | string
  /** Its results are secret: they carry the label `sensitive:SOURCE`. `true` names the tool as the source. */
  readonly sensitive?: boolean | string
  /**
   * The model reads a handle, which it can pass on, in place of the result: `true` for the complete result, or the fields
   * that hold data from outside (`['body', 'items.*.note']`). The other fields then carry no label of the tool.
   */
  readonly hide?: boolean | readonly string[]
  /** Policy rules about the labels of its arguments. They can only narrow the rules of the troupe. */
  readonly policy?: readonly ToolPolicyRule[]
  /**
   * Labels of hidden arguments that its result does not carry, with the reason. Each use is recorded as an incident.
   * `untrusted` and `sensitive` mean all sources of the kind.
   */
  readonly declassify?: readonly Declassification[]
  /**
   * The capabilities, for the selection of tools. `external` says that the arguments leave the process, so that even a
   * reading tool may disclose data; every `idempotent` or `at-most-once` tool counts as external.
   */
  readonly capabilities?: readonly string[]
}

/** A taint label that the result of a tool does not carry. */
export interface Declassification {
  /** A label, or `untrusted` or `sensitive` for all sources of the kind. */
  readonly label: 'untrusted' | 'sensitive' | TaintLabel
  /** The reason, for the incident; 1 to 500 characters. */
  readonly reason: string
}

/** The options of a tool that is called as one effect. */
export interface EffectToolOptions<In, Out> extends Common<In, Out> {
  /** The effect class; `at-most-once` by default: claimed before the call, never repeated automatically. */
  readonly effect?: ToolEffect
  /**
   * Called after a crash with the key of a call whose outcome is unknown; reports whether the call happened. Not for
   * `pure` and `read`.
   */
  readonly reconcile?: (key: string) => Promise<Reconciled<Out>>
  /** Compensates a call that happened, when its run is undone. Not for `pure`. */
  readonly undo?: (key: string, output: Out) => Promise<void>
  readonly durable?: false
  /** Executes the call. The arguments are those that the schema returns. If it throws, the model reads the error. */
  readonly execute: (input: In, call: ToolCall) => Out | Promise<Out>
}
/** The options of a tool whose function uses `ctx` and is replayed like a step. */
export interface DurableToolOptions<In, Out> extends Common<In, Out> {
  /** The function uses `ctx`, is executed again after a wait or a crash, and acts outside only in `ctx.effect`. */
  readonly durable: true
  /** Executes the call. The arguments are those that the schema returns. */
  readonly execute: (input: In, call: DurableToolCall) => Out | Promise<Out>
}
/** The options of `defineTool`. */
export type ToolOptions<In, Out> = EffectToolOptions<In, Out> | DurableToolOptions<In, Out>

const brand = Symbol.for('troupe.tool')

/** A tool, as `defineTool` returns it. */
export interface Tool {
  /** The name, by which models call it. */
  readonly name: string
  /** The description, which models read. */
  readonly description: string
  /** The schema that the arguments must fit. */
  readonly inputSchema: Schema
  /** JSON Schema of the input, for models. */
  readonly parameters: { readonly [key: string]: Json }
  /** The schema that the result must fit; absent, the result is not checked. */
  readonly outputSchema?: Schema
  /** The effect class; `durable` for a tool that uses `ctx`. */
  readonly effect: ToolEffect | 'durable'
  /** The time limit of a call in ms; absent, the tool timeout of the run applies. */
  readonly timeoutMs?: number
  /** True if a person must approve each call; a function decides for each call. */
  readonly needsApproval: boolean | ((input: unknown) => boolean | Promise<boolean>)
  /** The source of the label `untrusted:SOURCE` that results carry; absent if they carry none. */
  readonly untrusted?: string
  /** The source of the label `sensitive:SOURCE` that results carry; absent if they carry none. */
  readonly sensitive?: string
  /** The capabilities, for the selection of tools; empty by default. */
  readonly capabilities: readonly string[]
  /** The hidden fields of the result, or true if the whole result is hidden; absent if the model reads all of it. */
  readonly hide?: true | readonly string[]
  /** The policy rules for calls of this tool; `toolRules` returns them in parsed form. */
  readonly policy?: readonly PolicyRule[]
  /** The labels of hidden arguments that the result does not carry. */
  readonly declassify?: readonly Declassification[]
  /** True for a built-in tool that changes what other agents can see or do. */
  readonly security?: boolean
  /** Reports after a crash whether the call with a key happened. */
  readonly reconcile?: (key: string) => Promise<Reconciled<unknown>>
  /** Compensates a call that happened. */
  readonly undo?: (key: string, output: unknown) => Promise<void>
  /** Executes a call with arguments that fit the schema. */
  execute(input: unknown, call: ToolCall & Partial<DurableToolCall>): unknown
}

const common = [
  'name',
  'description',
  'inputSchema',
  'outputSchema',
  'timeout',
  'needsApproval',
  'untrusted',
  'sensitive',
  'capabilities',
  'hide',
  'policy',
  'declassify',
  'execute',
  'durable',
] as const
const known = [...common, 'effect', 'reconcile', 'undo'] as const

/**
 * Defines a tool that agents can call. Its options are checked, and the tool is frozen.
 * @throws ValidationError for an unknown option, a name that models cannot call, or a schema without JSON Schema
 * @example
 * const search = defineTool({
 *   name: 'search', description: 'Searches the catalogue.', inputSchema: z.object({ q: z.string() }), effect: 'read',
 *   execute: async ({ q }, { signal }) => catalogue.find(q, { signal }),
 * })
 */
export function defineTool<In, Out>(options: ToolOptions<In, Out>): Tool {
  const wrong = (problem: string) => invalidInput(`The tool ${show(options?.name)}`, problem)
  checkOptions('defineTool', options, known)
  checkName('tool', options.name)
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(options.name))
    throw wrong('its name must be 1 to 64 letters, digits, _ and -, and begin with a letter or _')
  if (typeof options.description !== 'string' || options.description === '') throw wrong('it has no description')
  checkFunction(`The execute of ${options.name}`, options.execute)
  if (options.inputSchema === undefined) throw wrong('it has no inputSchema')
  checkSchema(`The inputSchema of ${options.name}`, options.inputSchema)
  checkSchema(`The outputSchema of ${options.name}`, options.outputSchema)
  checkParts(options, wrong)
  const schema = modelSchemaOf(options.inputSchema, `The inputSchema of ${options.name}`)
  const parameters = objectSchema(schema)
  if (!parameters) throw wrong(`its inputSchema ${problemOf(schema.type)}: models give arguments by name, in an object`)
  const { effect: named, reconcile, undo } = options as Partial<EffectToolOptions<In, Out>>
  if (options.durable && [named, reconcile, undo].some((option) => option !== undefined))
    throw wrong('a durable tool takes no effect, reconcile or undo: its effects are those of ctx.effect')
  const effect: Tool['effect'] = options.durable ? 'durable' : (options.effect ?? 'at-most-once')
  if (!['pure', 'read', 'idempotent', 'at-most-once', 'durable'].includes(effect))
    throw wrong(`effect is ${show(effect)}, not pure, read, idempotent or at-most-once`)
  if (effect === 'pure') checkPure(options, wrong)
  if (effect === 'read' && 'reconcile' in options && options.reconcile !== undefined)
    throw wrong('its reconcile is never asked: what only reads is done again')
  const source = (value: boolean | string | undefined) => (value === true ? options.name : value || undefined)
  const [untrusted, sensitive] = [source(options.untrusted), source(options.sensitive)]
  const tool = {
    [brand]: true,
    name: options.name,
    description: options.description,
    inputSchema: options.inputSchema as Schema,
    parameters,
    effect,
    needsApproval: (options.needsApproval ?? false) as Tool['needsApproval'],
    capabilities: Object.freeze([...(options.capabilities ?? [])]),
    execute: options.execute as Tool['execute'],
    ...(options.outputSchema ? { outputSchema: options.outputSchema as Schema } : {}),
    ...(options.timeout === undefined ? {} : { timeoutMs: timeoutOf(options.name, options.timeout) }),
    ...(untrusted ? { untrusted } : {}),
    ...(sensitive ? { sensitive } : {}),
    ...(options.hide ? { hide: Array.isArray(options.hide) ? Object.freeze([...options.hide]) : (true as const) } : {}),
    ...(options.policy ? { policy: compileRules(options.policy, `the tool ${options.name}`, options.name) } : {}),
    ...(options.declassify ? { declassify: Object.freeze([...options.declassify]) } : {}),
    ...('reconcile' in options && options.reconcile
      ? { reconcile: options.reconcile as NonNullable<Tool['reconcile']> }
      : {}),
    ...('undo' in options && options.undo ? { undo: options.undo as NonNullable<Tool['undo']> } : {}),
  }
  return Object.freeze(tool)
}

function problemOf(type: Json | undefined): string {
  if (type === 'object') return 'has references or choices that do not make one object'
  return type === undefined ? 'is no object' : `is of type ${show(type)}`
}

type Options = Readonly<Record<string, unknown>>

/** A source, as taint labels name it. */
const sourceName = /^[^\p{Cc}]{1,100}$/u

/** Checks the options whose types JavaScript does not check. */
function checkParts(options: { readonly name: string }, wrong: (problem: string) => Error): void {
  const { durable, needsApproval, untrusted, sensitive, capabilities, hide, declassify, reconcile, undo } =
    options as Options
  if (durable !== undefined && typeof durable !== 'boolean') throw wrong('durable is neither true nor false')
  if (!['boolean', 'function', 'undefined'].includes(typeof needsApproval))
    throw wrong('needsApproval is neither true, false nor a function')
  for (const [option, source] of Object.entries({ untrusted, sensitive }))
    if (!['boolean', 'undefined'].includes(typeof source) && !(typeof source === 'string' && sourceName.test(source)))
      throw wrong(`${option} is neither true, false nor the name of a source, of 1 to 100 characters that can be seen`)
  if (capabilities !== undefined && !isListOf(capabilities, isText))
    throw wrong('its capabilities are not a list of texts')
  if (hide !== undefined && typeof hide !== 'boolean' && !(isFilledList(hide) && hide.every(isFieldPath)))
    throw wrong('hide is neither true, false nor a list of fields such as body or items.*.note')
  if (declassify !== undefined && !(isFilledList(declassify) && declassify.every(isDeclassification)))
    throw wrong(
      'declassify is not a list of { label, reason }: a label is untrusted, sensitive, or one with its source',
    )
  for (const [option, fn] of Object.entries({ reconcile, undo }))
    if (fn !== undefined) checkFunction(`The ${option} of ${options.name}`, fn)
}

const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0
const isFieldPath = (path: unknown) => typeof path === 'string' && /^[^.\p{Cc}]+(?:\.[^.\p{Cc}]+)*$/u.test(path)
const isDeclassification = (one: unknown) => {
  const { label, reason } = (one ?? {}) as Options
  const isLabel = typeof label === 'string' && /^(?:untrusted|sensitive)(?::[^\p{Cc}]{1,100})?$/u.test(label)
  return isLabel && typeof reason === 'string' && reason.trim() !== '' && reason.length <= 500
}

/** A pure tool is computed again at each execution, so it can neither act outside nor be undone. */
function checkPure(options: object, wrong: (problem: string) => Error): void {
  const { reconcile, undo, capabilities } = options as Options
  if (reconcile !== undefined || undo !== undefined)
    throw wrong('a pure tool takes no reconcile or undo: it has no effect')
  if ((capabilities as readonly string[] | undefined)?.includes('external'))
    throw wrong('a pure tool cannot have the capability external: it does not reach outside')
}

function timeoutOf(name: string, timeout: Duration): number {
  const ms = milliseconds(timeout, `The timeout of ${name}`)
  if (ms > 0) return ms
  throw invalidInput(`The timeout of ${name}`, 'it must be longer than 0')
}

/** The rules that a tool declares, as `defineTool` read them. */
export const toolRules = ({ policy }: Tool): readonly CompiledRule[] | undefined =>
  policy as readonly CompiledRule[] | undefined

export const isTool = (value: unknown): value is Tool => isObject(value) && readable('A tool', () => brand in value)
