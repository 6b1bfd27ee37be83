/**
 * Carries out one call of a tool on the record of its step: one effect of the class it declares, or a body that is
 * entered again after a wait. What it gives is JSON; what it reads from outside taints the step.
 */
import {
  type Clock,
  type Events,
  failure,
  type Json,
  parse,
  sleep,
  type TaintLabel,
  TimeoutError,
  TroupeError,
} from '../core/index.ts'
import type { Recorder } from '../durable/index.ts'
import { withTimeLimit } from '../resilience/index.ts'
import type { Tool } from './define-tool.ts'
import type { StepContext } from './step-context.ts'

const maxAttempts = 3
const pauseMs = 100

export interface ToolHost {
  readonly clock: Clock
  readonly events: Events
  readonly userId: string
  readonly agent: string
  /** ms, for tools that name no timeout of their own. */
  readonly timeoutMs?: number
  readonly ctxOf: (recorder: Recorder) => StepContext
}

/** @throws ValidationError for arguments that don't fit */
export const parseArguments = (tool: Tool, args: Json): Promise<unknown> =>
  parse(tool.inputSchema, args, `The arguments of ${tool.name}`)

/**
 * @param id tells this call from every other of the step, on re-entry too
 * @param args as the model gave them: the call is identified by them
 * @param input as `parseArguments` gave it
 * @throws what the tool failed with, TimeoutError, CancelledError, ValidationError for a result that doesn't fit
 */
export async function callTool(
  host: ToolHost,
  recorder: Recorder,
  tool: Tool,
  { id, args, input }: { readonly id: string; readonly args: Json; readonly input: unknown },
): Promise<Json> {
  const output =
    tool.effect === 'body'
      ? await callBody(host, recorder, tool, id, input)
      : await callEffect(host, recorder, tool, id, args, input)
  const labels: TaintLabel[] = []
  if (tool.untrusted) labels.push(`untrusted:${tool.untrusted}`)
  if (tool.sensitive) labels.push(`sensitive:${tool.sensitive}`)
  if (labels.length > 0) recorder.addTaint(labels)
  if (tool.outputSchema) await parse(tool.outputSchema, output, `The result of ${tool.name}`)
  return output
}

function callEffect(
  host: ToolHost,
  recorder: Recorder,
  tool: Tool,
  id: string,
  args: Json,
  input: unknown,
): Promise<Json> {
  const spec = {
    class: tool.effect as Exclude<Tool['effect'], 'body'>,
    input: args,
    ...(tool.reconcile ? { reconcile: tool.reconcile as never } : {}),
    ...(tool.undo ? { undo: tool.undo } : {}),
  }
  return recorder.effect<Json>(`${tool.name} ${id}`, spec, ({ key, signal }) => {
    const limit = {
      clock: host.clock,
      limitMs: tool.timeoutMs ?? host.timeoutMs,
      kind: 'tool',
      what: `The tool ${tool.name}`,
      signal,
    }
    return observed(host, tool, () =>
      repeated(host, tool, signal, () =>
        withTimeLimit(limit, async (inner) => toJson(await tool.execute(input, { key, signal: inner }), tool)),
      ),
    )
  })
}

function callBody(host: ToolHost, recorder: Recorder, tool: Tool, id: string, input: unknown): Promise<Json> {
  return recorder.body<Json>(`${tool.name} ${id}`, (stage) =>
    observed(host, tool, async () => {
      const ctx = host.ctxOf(stage)
      return toJson(await tool.execute(input, { key: `${stage.step} ${id}`, signal: stage.signal, ctx }), tool)
    }),
  )
}

/** A failure that says it may pass is tried again under the same key, unless the tool acts once. */
async function repeated(host: ToolHost, tool: Tool, signal: AbortSignal, run: () => Promise<Json>): Promise<Json> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const mayPass = error instanceof TroupeError && error.retryable && !(error instanceof TimeoutError)
      if (!mayPass || tool.effect === 'once' || attempt >= maxAttempts) throw error
      await sleep(host.clock, pauseMs * 2 ** (attempt - 1), signal)
    }
  }
}

async function observed(host: ToolHost, tool: Tool, run: () => Promise<Json>): Promise<Json> {
  const began = host.clock.monotonic()
  let success = false
  try {
    const output = await run()
    success = true
    return output
  } finally {
    host.events.emit({
      type: 'tool.called',
      at: host.clock.now(),
      userId: host.userId,
      tool: tool.name,
      agent: host.agent,
      success,
      durationMs: host.clock.monotonic() - began,
    })
  }
}

/** Models read it: a Date becomes its text, what JSON lacks is left out, nothing at all is null. */
function toJson(value: unknown, tool: Tool): Json {
  if (value === undefined || value === null) return null
  try {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? null : (JSON.parse(text) as Json)
  } catch (cause) {
    throw failure('tool.failed', { tool: tool.name, problem: 'its result holds what JSON cannot carry' }, { cause })
  }
}
