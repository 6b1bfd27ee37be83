/** Runs one call of a tool or helper and turns what becomes of it into a result that the model can read. */
import { failure, type Json, storeError, TroupeError } from '../../core/index.ts'
import { callTool, type Tool } from '../../tools/index.ts'
import type { Agent, StepReport } from '../agent-port.ts'
import { clientsFor } from '../step/clients-for.ts'
import type { LlmRun } from './llm-run.ts'
import { errorOutput, type ToolCallPart, type ToolResultPart, toolResult, valueOutput } from './model-messages.ts'
import { deniedTo } from './select-tools.ts'

export interface Called {
  readonly result: ToolResultPart
  readonly success: boolean
  readonly value: Json
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

/** What the model is told of a failure: the message alone, no stack. Rethrows what ends the step. */
export function toolFailureMessage({ entry }: LlmRun, error: unknown): string {
  if (entry.recorder.signal.aborted) throw error
  if (error instanceof TroupeError && (fatal.has(error.code) || error.name === 'CriticalError')) throw error
  return storeError(error).message
}

export async function callAgentTool(
  run: LlmRun,
  {
    call,
    id,
    tool,
    args,
    input,
  }: {
    readonly call: ToolCallPart
    readonly id: string
    readonly tool: Tool
    readonly args: Json
    readonly input: unknown
  },
): Promise<Called> {
  const { entry, definition } = run
  const { recorder, services } = entry
  const host = {
    clock: services.clock,
    events: services.events,
    userId: recorder.principal.userId,
    agent: definition.name,
    ctxOf: entry.ctxOf,
    guard: services.guard,
    recording: services.recording,
    policies: services.policies?.tools,
    ...(services.timeouts.tool === undefined ? {} : { timeoutMs: services.timeouts.tool }),
  }
  let value: Json
  let success = true
  const began = services.clock.monotonic()
  try {
    value = await callTool(host, recorder, tool, { id, args, input })
  } catch (error) {
    success = false
    value = { error: toolFailureMessage(run, error) }
  }
  countCall(run, tool, id, success, services.clock.monotonic() - began)
  return {
    result: toolResult(call, success ? valueOutput(value) : errorOutput(value as { error: string })),
    success,
    value,
  }
}

/** For the choice by performance alone: everybody else's turns stay as small as they are. */
function countCall({ definition, entry }: LlmRun, tool: Tool, id: string, success: boolean, ms: number): void {
  const selection = definition.toolSelection
  if ((typeof selection === 'object' ? selection.by : selection) !== 'performance') return
  const { recorder, services } = entry
  const called = { offers: 0, calls: 1, successes: success ? 1 : 0, durationMs: Math.round(ms) }
  recorder.stage({
    call: { kind: 'tool record', name: id },
    fragment: () => services.toolRecords.add(recorder.principal.userId, definition.name, tool.name, called),
    module: 'other',
  })
}

/**
 * The result with a remark where the guard of repetition wants one. Judged in the model's order of calls, so that a
 * re-entry counts alike.
 * @throws BudgetExceededError `guard.repetition`
 */
export function judged({ entry, definition }: LlmRun, call: ToolCallPart, args: Json, called: Called): ToolResultPart {
  const repeated = entry.services.repetition?.(definition.name, call.toolName, args, called.value)
  if (!repeated || repeated.verdict === 'go') return called.result
  const { verdict, used, limit } = repeated
  if (verdict === 'stop')
    throw failure('guard.repetition', { agent: definition.name, tool: call.toolName, used, limit })
  const output = called.success
    ? valueOutput(called.value, nudge)
    : errorOutput({ ...(called.value as { error: string }), notice: nudge })
  return toolResult(call, output)
}

/** A helper is a step of its own inside the turn, with a conversation of its own for each call. */
export async function callHelper(
  run: LlmRun,
  {
    call,
    id,
    helper,
    args,
  }: { readonly call: ToolCallPart; readonly id: string; readonly helper: Agent; readonly args: Json },
): Promise<Called> {
  const { entry } = run
  // A helper of a helper is in the same step: its place is below the conversation it was called in.
  const { step } = entry.recorder
  const denied = deniedTo(run.definition, entry)
  const above = entry.thread.startsWith(`${step}/`) ? entry.thread : step
  try {
    const done = await entry.recorder.body<Json>(`agent ${call.toolName} ${id}`, async (stage) => {
      const { results: _, request: __, serve: ___, ...rest } = entry
      const outcome = await helper.step({
        ...rest,
        ...clientsFor(helper.access, entry, { recorder: stage, name: helper.name }),
        input: args,
        recorder: stage,
        denied,
        flow: { invoke: [], handOff: [], finish: false, askUser: false, value: 'back' },
        thread: `${above}/${id}`,
      })
      if (!('value' in outcome))
        throw failure('agent.wrong', { agent: helper.name, problem: 'a helper can only answer, not pass the work on' })
      return { value: outcome.value, ...(outcome.report ? { report: outcome.report } : {}) }
    })
    const { value, report } = done as { readonly value: Json; readonly report?: Json }
    if (report !== undefined) run.report.helped(report as StepReport)
    return { result: toolResult(call, valueOutput(value)), success: true, value }
  } catch (error) {
    const problem = { error: toolFailureMessage(run, error) }
    return { result: toolResult(call, errorOutput(problem)), success: false, value: problem }
  }
}
