/**
 * Executes one tool call of a step on its recorder: as one effect of the declared class, or as a durable body that is
 * replayed after a wait. The result is JSON. Data that the tool reads from outside taints the step.
 */
import {
  type Clock,
  type Events,
  failure,
  invalidInput,
  isObject,
  isPlainObject,
  type Json,
  parse,
  type Recording,
  sleep,
  storeError,
  type TaintLabel,
  TimeoutError,
  TroupeError,
} from '../core/index.ts'
import type { Recorder } from '../journal/index.ts'
import type { ModelSpent } from '../models/index.ts'
import { type Policies, withTimeLimit } from '../resilience/index.ts'
import type { TaintGuard } from '../security/index.ts'
import type { BodyCall, DocumentModels, SearchCall, Tool } from './define-tool.ts'
import { codeOf, isFailure, isRejection } from './is-failure.ts'
import type { StepContext } from './step-context.ts'
import { readModelCalls, withModelCalls } from './with-model-calls.ts'
import { withWorkLimit } from './work-limit.ts'

const maxAttempts = 3
const pauseMs = 100

export interface ToolHost {
  readonly clock: Clock
  readonly events: Events
  readonly userId: string
  readonly agent: string
  /** The time limit in ms for tools without their own. */
  readonly timeoutMs?: number
  readonly ctxOf: (recorder: Recorder) => StepContext
  /** The resilience policies, by the name of the tool. */
  readonly policies?: Policies | undefined
  readonly guard: TaintGuard
  /** Answers in place of tools, or records their results. */
  readonly recording?: Recording | undefined
  /** Returns the models of the troupe that rank documents, which report what each call used. */
  readonly documentModels?: ((charge: (spent: ModelSpent) => void) => DocumentModels) | undefined
  /** Called with what the models used that the tool has called, at each execution of the step; absent if no step pays. */
  readonly onSpent?: ((spent: readonly ModelSpent[]) => void) | undefined
}

/**
 * Returns true if a call of the tool may act or disclose data outside, so that the policy must allow it. A durable tool acts
 * outside in `ctx.effect` only, which the policy decides by itself.
 */
export const reachesOutside = ({ effect, capabilities }: Tool): boolean =>
  effect === 'idempotent' || effect === 'at-most-once' || capabilities.includes('external')

/** @throws ValidationError for arguments that do not fit the schema */
export const parseArguments = (tool: Tool, args: Json): Promise<unknown> =>
  parse(tool.inputSchema, args, `The arguments of ${tool.name}`)

/**
 * @param id identifies the call within the step, in a replay too
 * @param args the arguments as the model sent them, by which a replay recognises the call
 * @param input the result of `parseArguments`
 * @param callId the id that the model gave the call
 * @param agreed true if a person or a rule of the troupe has allowed the call
 * @throws the error of the tool, TimeoutError, CancelledError, ValidationError for a result that does not fit the schema
 */
export async function callTool(
  host: ToolHost,
  recorder: Recorder,
  tool: Tool,
  {
    id,
    args,
    input,
    callId,
    agreed = false,
  }: Pick<OneCall, 'id' | 'args' | 'input' | 'callId'> & { readonly agreed?: boolean },
): Promise<Json> {
  const call = tool.effect === 'durable' ? callDurable : callEffect
  const labels: TaintLabel[] = []
  if (tool.untrusted) labels.push(`untrusted:${tool.untrusted}`)
  if (tool.sensitive) labels.push(`sensitive:${tool.sensitive}`)
  let output: Json
  try {
    output = await call({ host, recorder, tool, id, args, input, callId, agreed })
  } finally {
    // The message of an error may quote the external service.
    if (labels.length > 0) recorder.addTaint(labels, `${tool.name} (call ${id})`)
  }
  if (tool.outputSchema) await parse(tool.outputSchema, output, `The result of ${tool.name}`)
  return output
}

interface OneCall {
  readonly host: ToolHost
  readonly recorder: Recorder
  readonly tool: Tool
  readonly id: string
  readonly args: Json
  readonly input: unknown
  readonly callId?: string | undefined
  readonly agreed: boolean
}

async function callEffect(one: OneCall): Promise<Json> {
  const { host, recorder, tool, id, args, input, agreed } = one
  const spec = {
    class: tool.effect as Exclude<Tool['effect'], 'durable'>,
    input: args,
    ...(tool.reconcile ? { reconcile: tool.reconcile as never } : {}),
    ...(tool.undo ? { undo: undoOf(tool.undo) } : {}),
  }
  const { taint } = recorder
  const recorded = await recorder.effect<Json>(`${tool.name} ${id}`, spec, async ({ key, signal, taint: mark }) => {
    const { userId, agent } = host
    const taintedAction = { userId, agent, action: tool.name, taint }
    const fetch =
      tool.effect === 'pure'
        ? rejectFetch(tool)
        : host.guard.fetchFor(taintedAction, { agreed: agreed || reachesOutside(tool), mark })
    const limit = {
      clock: host.clock,
      limitMs: tool.timeoutMs ?? host.timeoutMs,
      kind: 'tool',
      what: `The tool ${tool.name}`,
      signal,
    }
    const calls: ModelSpent[] = []
    const models = host.documentModels?.((spent) => void calls.push(spent))
    const execute = async (inner: AbortSignal) =>
      toolOutputJson(await tool.execute(input, { key, signal: inner, fetch, ...models } satisfies SearchCall), tool)
    // A cassette holds what comes from outside.
    const recording = tool.effect === 'pure' ? undefined : host.recording
    const played = (inner: AbortSignal) =>
      recording
        ? recording.play({ kind: 'tool', name: tool.name, request: { args }, signal }, () => execute(inner))
        : execute(inner)
    const policy = host.policies?.of(tool.name)
    const call = () => repeated(host, tool, signal, () => withTimeLimit(limit, played))
    // Retries depend on the effect class: a tool that acts at most once is not retried.
    const guarded = () => (policy ? policy.execute(once(tool, call), { signal, key: host.userId }) : call())
    return withModelCalls(await observed(one, guarded), calls)
  })
  const { output, spent } = readModelCalls(recorded)
  host.onSpent?.(spent)
  return output
}

const undoOf =
  (undo: NonNullable<Tool['undo']>): NonNullable<Tool['undo']> =>
  (key, recorded) =>
    undo(key, readModelCalls(recorded as Json).output)

/** A request would give another answer at each execution. */
const rejectFetch =
  ({ name }: Tool) =>
  async (): Promise<never> => {
    throw invalidInput(`fetch in the tool ${name}`, 'its effect is pure: declare read')
  }

function callDurable(one: OneCall): Promise<Json> {
  const { host, recorder, tool, id, input } = one
  const limit = { clock: host.clock, limitMs: tool.timeoutMs ?? host.timeoutMs, what: `The tool ${tool.name}` }
  return recorder.body<Json>(`${tool.name} ${id}`, (stage) =>
    observed(one, () =>
      withWorkLimit(limit, stage, async (own, signal) => {
        const ctx = host.ctxOf(own)
        return toolOutputJson(
          await tool.execute(input, { signal, ctx, recorder: own } satisfies BodyCall as never),
          tool,
        )
      }),
    ),
  )
}

/** The second attempt of what acts once is the failure of the first. */
function once(tool: Tool, call: () => Promise<Json>): () => Promise<Json> {
  if (tool.effect !== 'at-most-once') return call
  let first: Promise<Json> | undefined
  return () => {
    first ??= call()
    return first
  }
}

/** A failure that says it may pass is tried again under the same key, unless the tool acts once. */
async function repeated(host: ToolHost, tool: Tool, signal: AbortSignal, run: () => Promise<Json>): Promise<Json> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const mayPass = error instanceof TroupeError && error.retryable && !(error instanceof TimeoutError)
      if (!mayPass || tool.effect === 'at-most-once' || attempt >= maxAttempts) throw error
      await sleep(host.clock, pauseMs * 2 ** (attempt - 1), signal)
    }
  }
}

const observed = ({ host, tool, args, callId }: OneCall, run: () => Promise<Json>): Promise<Json> =>
  host.events.spanned(async () => {
    const began = host.clock.monotonic()
    let output: Json | undefined
    let problem: string | undefined
    let thrown: unknown
    try {
      output = await run()
      return output
    } catch (error) {
      thrown = error
      problem = error instanceof TroupeError ? error.code : (error as Error)?.name
      throw error
    } finally {
      const code = isFailure(output) ? codeOf(output) : problem
      const errorId = thrown === undefined ? undefined : storeError(thrown).errorId
      // The clients record rejections for missing rights; this rejection occurs before a client is called.
      if (code === 'agent.mismatch')
        host.guard.impersonated({ userId: host.userId, agent: host.agent, action: tool.name })
      host.events.emit(
        {
          type: 'tool.called',
          at: host.clock.now(),
          userId: host.userId,
          tool: tool.name,
          agent: host.agent,
          ...(callId === undefined ? {} : { callId }),
          success: output !== undefined && !isFailure(output),
          durationMs: host.clock.monotonic() - began,
          security: tool.security === true || tool.needsApproval !== false || isRejection(code),
          ...(code === undefined ? {} : { code }),
          ...(errorId === undefined ? {} : { errorId }),
        },
        () => ({ input: args, output, ...(thrown === undefined ? {} : { error: thrown }) }),
      )
    }
  })

/**
 * Models read it: a Date becomes its text, what JSON lacks is left out, `undefined` is null.
 * @throws ProcessingError `tool.failed` for a value whose content JSON would lose, such as a Map or a stream
 */
export function toolOutputJson(value: unknown, tool: Pick<Tool, 'name'>): Json {
  if (value === undefined || value === null) return null
  const rejected = (what: string, options = {}) =>
    failure('tool.failed', { tool: tool.name, problem: `its result holds ${what}, which JSON cannot carry` }, options)
  if (typeof value === 'function' || typeof value === 'symbol') throw rejected(`a ${typeof value}`)
  let text: string | undefined
  let emptied: object | undefined
  try {
    text = JSON.stringify(value)
    // A call for each field would make each result several times slower.
    if (text?.includes('{}')) emptied = findEmptied(value)
  } catch (cause) {
    throw rejected('a value', { cause })
  }
  if (emptied) throw rejected(`an instance of ${emptied.constructor?.name || 'a class'}`)
  return text === undefined ? null : (JSON.parse(text) as Json)
}

/** Returns the first object with content that JSON writes as `{}`; within a result, only a Map, Set or promise. */
function findEmptied(value: unknown): object | undefined {
  const found: object[] = []
  JSON.stringify({ value }, (_key, field: unknown) => {
    if (isObject(field) && (isCollection(field) || (field === value && isUnreadable(field)))) found.push(field)
    return field
  })
  return found[0]
}

const isCollection = (value: object): boolean =>
  value instanceof Map || value instanceof Set || value instanceof Promise

const isUnreadable = (value: object): boolean =>
  !isPlainObject(value) &&
  Object.keys(value).length === 0 &&
  (value instanceof Error || [Symbol.iterator, Symbol.asyncIterator, 'body'].some((name) => name in value))
