/** A tool: a named function with a schema that an agent may call. Checked when it is defined, frozen from then on. */
import {
  checkName,
  checkOptions,
  checkSchema,
  type Duration,
  failure,
  isObject,
  type Json,
  jsonSchemaOf,
  milliseconds,
  readable,
  type Schema,
  show,
  type TaintLabel,
} from '../core/index.ts'
import type { DocumentEmbeddings } from '../documents/index.ts'
import type { Reconciled, Recorder } from '../journal/index.ts'
import { type CompiledRule, compileRules, type Fetch, type PolicyRule, type ToolPolicyRule } from '../security/index.ts'
import { objectSchema } from './object-schema.ts'
import type { StepContext } from './step-context.ts'

/**
 * `pure`: computed from the arguments alone, not recorded, computed again when the step is executed again. `read`: recorded.
 * `idempotent`: retried with the same key. `at-most-once`: claimed before it starts, never retried by itself.
 */
export type ToolEffect = 'pure' | 'read' | 'idempotent' | 'at-most-once'

/** What the function of a tool is given besides its input. */
export interface ToolCall {
  readonly signal: AbortSignal
  /** The same whenever this call is tried again: hand it to the outside as idempotency key. */
  readonly key: string
  /** The way out, within `egress`: what it answers is marked as untrusted. */
  readonly fetch: Fetch
}

/** What `searchDocuments` is given besides: the embedding model of the troupe, asked on behalf of the user. */
export interface SearchCall extends ToolCall {
  readonly embeddings?: DocumentEmbeddings
}

/** What a body is given. */
export interface DurableToolCall {
  readonly signal: AbortSignal
  readonly ctx: StepContext
}

/** What the bodies of Troupe's own tools are given: with the record of the call, whose labels what they store carries. */
export interface BodyCall extends DurableToolCall {
  readonly recorder: Recorder
}

interface Common<In, Out> {
  /** Letters, digits, `_` and `-`, at most 64: what every provider accepts. */
  readonly name: string
  /** For the model. */
  readonly description: string
  readonly inputSchema: Schema<In>
  /** Of what it returns; another result is reported to the model as a failure. */
  readonly outputSchema?: Schema<Out>
  /** Of one call, the run's tool timeout by default; of a body, what it works, without its waits for answers. */
  readonly timeout?: Duration
  /** A person must agree to the exact arguments; a function decides per call. */
  readonly needsApproval?: boolean | ((input: In) => boolean | Promise<boolean>)
  /** Its results come from outside: what is derived from them is marked so. `true` names the tool as source. */
  readonly untrusted?: boolean | string
  /** Its results must not leave: what is derived from them is marked so. */
  readonly sensitive?: boolean | string
  /**
   * The model does not read the result, and is shown a handle that it can pass on: `true` for the whole result, or the
   * fields that hold what comes from outside (`['body', 'items.*.note']`), while the rest counts as the tool's own.
   */
  readonly hide?: boolean | readonly string[]
  /** What its arguments may carry: rules of a policy about this tool, which can only narrow those of the troupe. */
  readonly policy?: readonly ToolPolicyRule[]
  /**
   * Labels of hidden arguments that its result does not carry, and why not: an incident each time. `untrusted` and
   * `sensitive` stand for all sources of the kind.
   */
  readonly declassify?: readonly Declassification[]
  /**
   * What it is good for, for the selection of tools. `external`: what it is asked goes outside, so that even reading may
   * carry data off; tools that are `idempotent` or `at-most-once` count so by themselves.
   */
  readonly capabilities?: readonly string[]
}

export interface Declassification {
  readonly label: 'untrusted' | 'sensitive' | TaintLabel
  readonly reason: string
}

export interface EffectToolOptions<In, Out> extends Common<In, Out> {
  /** `at-most-once` by default: claimed before it starts, never repeated by itself. */
  readonly effect?: ToolEffect
  /** Asked after a crash whether the call with this key happened. */
  readonly reconcile?: (key: string) => Promise<Reconciled<Out>>
  readonly undo?: (key: string, output: Out) => Promise<void>
  readonly durable?: false
  readonly execute: (input: In, call: ToolCall) => Out | Promise<Out>
}
export interface DurableToolOptions<In, Out> extends Common<In, Out> {
  /** It uses `ctx`, is entered again after a wait, and touches the world in `ctx.effect` only. */
  readonly durable: true
  readonly execute: (input: In, call: DurableToolCall) => Out | Promise<Out>
}
export type ToolOptions<In, Out> = EffectToolOptions<In, Out> | DurableToolOptions<In, Out>

const brand = Symbol.for('troupe.tool')

/** A tool as agents hold it. */
export interface Tool {
  readonly name: string
  readonly description: string
  readonly inputSchema: Schema
  /** JSON Schema of the input, for models. */
  readonly parameters: { readonly [key: string]: Json }
  readonly outputSchema?: Schema
  readonly effect: ToolEffect | 'durable'
  readonly timeoutMs?: number
  readonly needsApproval: boolean | ((input: unknown) => boolean | Promise<boolean>)
  /** Names of sources; undefined where it sets no label. */
  readonly untrusted?: string
  readonly sensitive?: string
  readonly capabilities: readonly string[]
  readonly hide?: true | readonly string[]
  /** See `toolRules`. */
  readonly policy?: readonly PolicyRule[]
  readonly declassify?: readonly Declassification[]
  /** Of built-in tools that change what others can see or do. */
  readonly security?: boolean
  readonly reconcile?: (key: string) => Promise<Reconciled<unknown>>
  readonly undo?: (key: string, output: unknown) => Promise<void>
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
]
const known = [...common, 'effect', 'reconcile', 'undo']

/**
 * @throws ValidationError for an unknown option, a name that models can't call, or a schema that tells no JSON Schema
 * @example
 * const search = defineTool({
 *   name: 'search', description: 'Searches the keyValues.', inputSchema: z.object({ q: z.string() }), effect: 'read',
 *   execute: async ({ q }, { signal }) => keyValues.find(q, { signal }),
 * })
 */
export function defineTool<In, Out>(options: ToolOptions<In, Out>): Tool {
  const wrong = (problem: string) => failure('validation.failed', { what: `The tool ${show(options?.name)}`, problem })
  checkOptions('defineTool', options, known)
  checkName('tool', options.name)
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(options.name))
    throw wrong('its name must be 1 to 64 letters, digits, _ and -, and begin with a letter or _')
  if (typeof options.description !== 'string' || options.description === '') throw wrong('it has no description')
  if (typeof options.execute !== 'function') throw wrong('it has no function execute')
  if (options.inputSchema === undefined) throw wrong('it has no inputSchema')
  checkSchema(`The inputSchema of ${options.name}`, options.inputSchema)
  checkSchema(`The outputSchema of ${options.name}`, options.outputSchema)
  checkParts(options, wrong)
  const schema = jsonSchemaOf(options.inputSchema, `The inputSchema of ${options.name}`)
  if (!schema) throw wrong('its inputSchema tells no JSON Schema; zod 4 schemas do')
  const parameters = objectSchema(schema)
  if (!parameters)
    throw wrong(
      `its inputSchema is ${schema.type === undefined ? 'no object' : `of type ${show(schema.type)}`}: models give arguments by name, in an object`,
    )
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

type Options = Readonly<Record<string, unknown>>

/** As the labels of what is derived from its results have it. */
const sourceName = /^[^\p{Cc}]{1,100}$/u

/** What has several forms, or only one that JavaScript would not insist on. */
function checkParts(options: object, wrong: (problem: string) => Error): void {
  const { durable, needsApproval, untrusted, sensitive, capabilities, hide, declassify, reconcile, undo } =
    options as Options
  if (durable !== undefined && typeof durable !== 'boolean') throw wrong('durable is neither true nor false')
  if (!['boolean', 'function', 'undefined'].includes(typeof needsApproval))
    throw wrong('needsApproval is neither true, false nor a function')
  for (const [option, source] of Object.entries({ untrusted, sensitive }))
    if (!['boolean', 'undefined'].includes(typeof source) && !(typeof source === 'string' && sourceName.test(source)))
      throw wrong(`${option} is neither true, false nor the name of a source, of 1 to 100 characters that can be seen`)
  if (capabilities !== undefined && !(Array.isArray(capabilities) && capabilities.every((c) => typeof c === 'string')))
    throw wrong('its capabilities are not a list of texts')
  if (hide !== undefined && typeof hide !== 'boolean' && !(isFilledList(hide) && hide.every(isFieldPath)))
    throw wrong('hide is neither true, false nor a list of fields such as body or items.*.note')
  if (declassify !== undefined && !(isFilledList(declassify) && declassify.every(isDeclassification)))
    throw wrong(
      'declassify is not a list of { label, reason }: a label is untrusted, sensitive, or one with its source',
    )
  for (const [option, fn] of Object.entries({ reconcile, undo }))
    if (fn !== undefined && typeof fn !== 'function') throw wrong(`its ${option} must be a function`)
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
  throw failure('validation.failed', { what: `The timeout of ${name}`, problem: 'it must be longer than nothing' })
}

/** The rules that a tool declares, as `defineTool` read them. */
export const toolRules = ({ policy }: Tool): readonly CompiledRule[] | undefined =>
  policy as readonly CompiledRule[] | undefined

export const isTool = (value: unknown): value is Tool => isObject(value) && readable('A tool', () => brand in value)
