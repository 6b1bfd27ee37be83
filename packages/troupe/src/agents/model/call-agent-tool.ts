/** Runs one call of a tool or helper and turns what becomes of it into a result that the model can read. */
import { failedWith, failure, type Json, storeError, type TaintLabel, TroupeError } from '../../core/index.ts'
import type { Recorder, ScopedRecorder } from '../../journal/index.ts'
import type { ModelSpent } from '../../models/index.ts'
import { callTool, knownRetryAfter, type Tool } from '../../tools/index.ts'
import type { Agent, StepReport } from '../agent-port.ts'
import type { CallFlow } from '../flows/call-flow.ts'
import { collectTrips, reportTrips } from '../guardrails/collect-trips.ts'
import { documentModels, rankingOfStep } from '../memory/similarity.ts'
import { innerEntry } from '../step/inner-entry.ts'
import { chargeModels } from './charge-models.ts'
import {
  errorOutput,
  type ToolCallPart,
  type ToolResultPart,
  toolResult,
  valueOutput,
} from './content/model-messages.ts'
import type { LlmRun } from './llm-run.ts'
import { deniedTo } from './select-tools.ts'

export interface Called {
  readonly result: ToolResultPart
  readonly success: boolean
  readonly value: Json
  /** The value that the model reads in place of the result; absent if it reads the result. */
  readonly shown?: Json
  /** The id of the error of application code whose text the result quotes. */
  readonly errorId?: string
  /** The labels of the data that the call read; absent if the call did not execute. */
  readonly read?: readonly TaintLabel[]
  /** Adds labels to those of the step. */
  readonly leave?: ScopedRecorder['leave']
}

const nudge =
  'Note: you have made this very call several times, and its result does not change. Use what you have, try something else, or end.'

/** These end the step: no model can do anything about them. */
const fatal = new Set<string>([
  'cassette.miss',
  'cassette.unwritten',
  'evaluation.unrecorded',
  'budget.exceeded',
  'guard.repetition',
  'journal.lost',
  'journal.full',
  'code.changed',
  'effect.input',
  'effect.uncertain',
  'step.over',
  'troupe.closed',
  'invariant.broken',
])

/** Returns the message of an error for the model, without its stack. Rethrows an error that ends the step. */
export function toolFailureMessage({ entry }: LlmRun, error: unknown): string {
  if (entry.recorder.signal.aborted) throw error
  if (error instanceof TroupeError && (fatal.has(error.code) || error.name === 'CriticalError')) throw error
  return storeError(error).message
}

/** A call whose arguments are read. */
export interface ParsedCall {
  readonly call: ToolCallPart
  readonly id: string
  /** The arguments, with values in place of handles. */
  readonly args: Json
  readonly flow: CallFlow
}
export interface ParsedToolCall extends ParsedCall {
  readonly tool: Tool
  readonly input: unknown
}
export interface ParsedHelperCall extends ParsedCall {
  readonly helper: Agent
}

export async function callAgentTool(
  run: LlmRun,
  { call, id, tool, args, input, flow, agreed }: ParsedToolCall & { readonly agreed: boolean },
): Promise<Called> {
  const { entry, definition } = run
  const { recorder, services } = entry
  const { clock, events } = services.platform
  const { policies, recording } = services.external
  const { tool: timeoutMs } = services.limits.timeouts
  const scope = scopeOf(recorder, flow)
  const host = {
    clock,
    events,
    userId: recorder.principal.userId,
    agent: definition.name,
    ctxOf: entry.ctxOf,
    guard: services.guard,
    recording,
    documentModels: (charge: (spent: ModelSpent) => void) => documentModels(rankingOfStep(entry, charge)),
    onSpent: (spent: readonly ModelSpent[]) => chargeModels(entry, run.report, `${tool.name} ${id}`, spent),
    policies: policies?.tools,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
  let value: Json
  let failed: { readonly error: unknown } | undefined
  const began = clock.monotonic()
  try {
    value = await callTool(host, scope.recorder, tool, { id, args, input, callId: call.toolCallId, agreed })
  } catch (error) {
    failed = { error }
    const { retryable, ...stored } = storeError(error)
    const seconds = retryable ? knownRetryAfter(stored) : undefined
    value = { error: scope.messageOf(run, error), ...(seconds === undefined ? {} : { retry_after: seconds }) }
  }
  countCall(run, tool, id, failed === undefined, clock.monotonic() - began)
  return calledOf(call, value, failed, scope)
}

/** @param failed the error whose message the value has; undefined if the call succeeded */
function calledOf(
  call: ToolCallPart,
  value: Json,
  failed: { readonly error: unknown } | undefined,
  { read, leave }: ReturnType<typeof scopeOf>,
): Called {
  const { errorId } = failed ? failedWith(failed.error) : { errorId: undefined }
  return {
    result: toolResult(call, failed ? errorOutput(value as { error: string }) : valueOutput(value)),
    success: failed === undefined,
    value,
    ...(errorId === undefined ? {} : { errorId }),
    read: read(),
    leave,
  }
}

/**
 * Creates a taint scope for a call: labels of handles apply within the call, separately from those of the data that it
 * reads.
 */
function scopeOf(recorder: Recorder, { fromHandle }: CallFlow) {
  const outer = recorder.scoped(fromHandle)
  const own = outer.recorder.scoped()
  const leave: ScopedRecorder['leave'] = (labels) => {
    own.leave(labels)
    outer.leave(labels)
  }
  return {
    recorder: own.recorder,
    read: own.labels,
    leave,
    /**
     * Returns the message of a failed call for the model. An error that ends the step adds all labels of the call to
     * the step.
     */
    messageOf(run: LlmRun, error: unknown): string {
      try {
        return toolFailureMessage(run, error)
      } catch (fatalError) {
        leave([...fromHandle, ...own.labels()])
        throw fatalError
      }
    },
  }
}

/** A call that failed before it began, in the schema or in `needsApproval` of the tool, is reported as any call is. */
export function reportUncalled({ entry, definition }: LlmRun, tool: Tool, error: unknown): void {
  const { services, recorder } = entry
  const { code, errorId } = failedWith(error)
  // Arguments that do not fit are the model's mistake.
  if (errorId === undefined) return
  const fields = { tool: tool.name, agent: definition.name, userId: recorder.principal.userId }
  const outcome = { success: false, durationMs: 0, security: false, code, errorId }
  services.platform.events.emit(
    { type: 'tool.called', at: services.platform.clock.now(), ...fields, ...outcome },
    () => ({ error }),
  )
}

/** Records the outcome of a call, only if tools are selected by performance, so that other turns store no extra data. */
function countCall({ definition, entry }: LlmRun, tool: Tool, id: string, success: boolean, ms: number): void {
  const selection = definition.toolSelection
  if ((typeof selection === 'object' ? selection.by : selection) !== 'performance') return
  const { recorder, services } = entry
  const called = { offers: 0, calls: 1, successes: success ? 1 : 0, durationMs: Math.round(ms) }
  recorder.stage({
    call: { kind: 'tool record', name: id },
    fragment: () => services.records.toolRecords.add(recorder.principal.userId, definition.name, tool.name, called),
    module: 'other',
  })
}

/**
 * Returns the result, with a notice if the repetition guard requests one. Called in the model's order of calls, so that
 * a replay counts equally.
 * @throws BudgetExceededError `guard.repetition`
 */
export function judged({ entry, definition }: LlmRun, call: ToolCallPart, args: Json, called: Called): ToolResultPart {
  const repeated = entry.services.limits.repetition?.(definition.name, call.toolName, args, called.value)
  if (repeated?.verdict === 'stop') {
    const { used, limit } = repeated
    throw failure('guard.repetition', { agent: definition.name, tool: call.toolName, used, limit })
  }
  const notice = repeated?.verdict === 'nudge' ? nudge : undefined
  if (notice === undefined && called.shown === undefined) return called.result
  const shown = called.shown ?? called.value
  if (called.success) return toolResult(call, valueOutput(shown, notice))
  return toolResult(call, errorOutput({ ...(shown as { error: string }), ...(notice === undefined ? {} : { notice }) }))
}

/** Calls a helper agent as a step inside the turn, with a new thread for each call. */
export async function callHelper(run: LlmRun, { call, id, helper, args, flow }: ParsedHelperCall): Promise<Called> {
  const { entry } = run
  // A helper of a helper is in the same step: its place is below the conversation it was called in.
  const { step } = entry.recorder
  const scope = scopeOf(entry.recorder, flow)
  const denied = deniedTo(run.definition, entry)
  const above = entry.thread.startsWith(`${step}/`) ? entry.thread : step
  const helperTrips = collectTrips(entry)
  try {
    const done = await scope.recorder.body<Json>(`agent ${call.toolName} ${id}`, async (stage) => {
      const outcome = await helper.step({
        ...innerEntry(helper, entry, { recorder: stage, input: args, thread: `${above}/${id}` }),
        denied,
        onSpent: (spent) => run.report.helped(id, spent),
        onTripped: helperTrips.onTripped,
      })
      if (!('value' in outcome))
        throw failure('agent.wrong', {
          agent: helper.name,
          problem: 'an agent that is used as a tool cannot hand off its work',
        })
      return { value: outcome.value, ...(outcome.report ? { report: outcome.report } : {}), ...helperTrips.field() }
    })
    const { value, report } = done as { readonly value: Json; readonly report?: Json }
    reportTrips(entry, done)
    if (report !== undefined) run.report.helped(id, report as StepReport)
    return calledOf(call, value, undefined, scope)
  } catch (error) {
    return calledOf(call, { error: scope.messageOf(run, error) }, { error }, scope)
  }
}
