/** A tool: a named function with a schema that an agent may call. Checked when it is defined, frozen from then on. */
import {
  checkName,
  checkOptions,
  type Duration,
  failure,
  type Json,
  jsonSchemaOf,
  milliseconds,
  type Schema,
} from '../core/index.ts'
import type { Reconciled } from '../durable/index.ts'
import type { StepContext } from './step-context.ts'

export type ToolEffect = 'read' | 'idempotent' | 'once'

/** What the function of a tool is given besides its input. */
export interface ToolCall {
  readonly signal: AbortSignal
  /** The same whenever this call is tried again: hand it to the outside as idempotency key. */
  readonly key: string
}

/** What a body is given. */
export interface BodyCall {
  readonly signal: AbortSignal
  readonly ctx: StepContext
}

interface Common<In, Out> {
  /** Letters, digits, `_` and `-`, at most 64: what every provider accepts. */
  readonly name: string
  /** For the model. */
  readonly description: string
  readonly inputSchema: Schema<In>
  /** Of what it returns; another result is reported to the model as a failure. */
  readonly outputSchema?: Schema<Out>
  /** Of one call; the run's tool timeout by default. */
  readonly timeout?: Duration
  /** A person must agree to the exact arguments; a function decides per call. */
  readonly needsApproval?: boolean | ((input: In) => boolean | Promise<boolean>)
  /** Its results come from outside: what is derived from them is marked so. `true` names the tool as source. */
  readonly untrusted?: boolean | string
  /** Its results must not leave: what is derived from them is marked so. */
  readonly sensitive?: boolean | string
  /** What it is good for, for the selection of tools. */
  readonly capabilities?: readonly string[]
}

export interface EffectToolOptions<In, Out> extends Common<In, Out> {
  /** `once` by default: claimed before it starts, never repeated by itself. */
  readonly effect?: ToolEffect
  /** Asked after a crash whether the call with this key happened. */
  readonly reconcile?: (key: string) => Promise<Reconciled<Out>>
  readonly undo?: (key: string, output: Out) => Promise<void>
  readonly body?: false
  readonly execute: (input: In, call: ToolCall) => Out | Promise<Out>
}
export interface BodyToolOptions<In, Out> extends Common<In, Out> {
  /** It uses `ctx`, is entered again after a wait, and touches the world in `ctx.effect` only. */
  readonly body: true
  readonly execute: (input: In, call: BodyCall) => Out | Promise<Out>
}
export type ToolOptions<In, Out> = EffectToolOptions<In, Out> | BodyToolOptions<In, Out>

const brand = Symbol.for('troupe.tool')

/** A tool as agents hold it. */
export interface Tool {
  readonly name: string
  readonly description: string
  readonly inputSchema: Schema
  /** JSON Schema of the input, for models. */
  readonly parameters: { readonly [key: string]: Json }
  readonly outputSchema?: Schema
  readonly effect: ToolEffect | 'body'
  readonly timeoutMs?: number
  readonly needsApproval: boolean | ((input: unknown) => boolean | Promise<boolean>)
  /** Names of sources; undefined where it sets no label. */
  readonly untrusted?: string
  readonly sensitive?: string
  readonly capabilities: readonly string[]
  readonly reconcile?: (key: string) => Promise<Reconciled<unknown>>
  readonly undo?: (key: string, output: unknown) => Promise<void>
  execute(input: unknown, call: ToolCall & Partial<BodyCall>): unknown
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
  'execute',
  'body',
]
const known = [...common, 'effect', 'reconcile', 'undo']

/**
 * @throws ValidationError for an unknown option, a name that models can't call, or a schema that tells no JSON Schema
 * @example
 * const search = defineTool({
 *   name: 'search', description: 'Searches the shelf.', inputSchema: z.object({ q: z.string() }), effect: 'read',
 *   execute: async ({ q }, { signal }) => shelf.find(q, { signal }),
 * })
 */
export function defineTool<In, Out>(options: ToolOptions<In, Out>): Tool {
  const wrong = (problem: string) =>
    failure('validation.failed', { what: `The tool ${String(options?.name)}`, problem })
  checkOptions('defineTool', options, known)
  checkName('tool', options.name)
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(options.name))
    throw wrong('its name must be 1 to 64 letters, digits, _ and -')
  if (typeof options.description !== 'string' || options.description === '') throw wrong('it has no description')
  if (typeof options.execute !== 'function') throw wrong('it has no function execute')
  if (typeof options.inputSchema?.['~standard']?.validate !== 'function')
    throw wrong('its inputSchema is no Standard Schema')
  const parameters = jsonSchemaOf(options.inputSchema)
  if (!parameters) throw wrong('its inputSchema tells no JSON Schema; zod 4 schemas do')
  if (options.body && ('effect' in options || 'reconcile' in options || 'undo' in options))
    throw wrong('a body takes no effect, reconcile or undo: its effects are those of ctx.effect')
  // It may wait for a person for days, in other processes: no timer of this one bounds it.
  if (options.body && options.timeout !== undefined) throw wrong('a body takes no timeout: bound the effects in it')
  const effect: Tool['effect'] = options.body ? 'body' : (options.effect ?? 'once')
  if (!['read', 'idempotent', 'once', 'body'].includes(effect))
    throw wrong(`effect is ${String(effect)}, not read, idempotent or once`)
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
    ...(options.timeout === undefined
      ? {}
      : { timeoutMs: milliseconds(options.timeout, `The timeout of ${options.name}`) }),
    ...(untrusted ? { untrusted } : {}),
    ...(sensitive ? { sensitive } : {}),
    ...('reconcile' in options && options.reconcile
      ? { reconcile: options.reconcile as NonNullable<Tool['reconcile']> }
      : {}),
    ...('undo' in options && options.undo ? { undo: options.undo as NonNullable<Tool['undo']> } : {}),
  }
  return Object.freeze(tool)
}

export const isTool = (value: unknown): value is Tool => typeof value === 'object' && value !== null && brand in value
