/** The data that returns from a call: to the model, and into the labels of its step. */
import { type Json, joinTaint, type TaintLabel, truncateText } from '../../core/index.ts'
import type { Tool } from '../../tools/index.ts'
import { shortenResult } from '../memory/read-result-tool.ts'
import { type Called, judged } from '../model/call-agent-tool.ts'
import type { ToolCallPart, ToolResultPart } from '../model/content/model-messages.ts'
import type { LlmRun } from '../model/llm-run.ts'
import type { CallFlow } from './call-flow.ts'
import { hideResult } from './hide-result.ts'

interface FinishedCall {
  readonly call: ToolCallPart
  readonly args: Json
  readonly flow: CallFlow
  readonly hide?: Tool['hide']
  readonly declassify?: Tool['declassify']
}

/**
 * Returns the part of the result that the model reads, and adds its labels to the step. Called in the model's order of
 * calls.
 */
export function discloseResult(run: LlmRun, finished: FinishedCall, done: Called): ToolResultPart {
  const { call, args, flow, hide } = finished
  if (!done.read) return shortenResult(judged(run, call, args, done), run.offer.maxResultTokens)
  const declassifiedLabels = declassified(run, finished)
  const fromHandle = flow.fromHandle.filter((label) => !declassifiedLabels.includes(label))
  const written = joinTaint(...flow.labels.args.map(({ labels }) => labels)).filter(
    (label) => !declassifiedLabels.includes(label),
  )
  const shown = hideResult(run.handles, done, joinTaint(done.read, fromHandle, written), {
    hide,
    untrusted: run.definition.untrusted === 'hide',
    fromHandle,
  })
  done.leave?.(shown.labels)
  const answer = judged(run, call, args, shown.handles.length > 0 ? { ...done, shown: shown.value } : done)
  const result = shortenResult(answer, run.offer.maxResultTokens)
  return run.handles?.stored(result, shown.handles) ?? result
}

/** Returns the labels of hidden arguments that the tool declassifies. Labels of values that the model wrote stay. */
function declassified(
  { entry, definition }: LlmRun,
  { call, flow, declassify = [] }: FinishedCall,
): readonly TaintLabel[] {
  const { recorder, services } = entry
  const isDeclassified = (label: TaintLabel) =>
    declassify.some((each) => label === each.label || label.startsWith(`${each.label}:`))
  // Recorded whenever a handle was used, so that the record of a step does not depend on labels.
  if (declassify.length === 0 || !flow.usesHandle) return []
  const action = truncateText(
    `declassify by ${call.toolName}: ${declassify.map(({ reason }) => reason).join('; ')}`,
    200,
  )
  return recorder.answerNow({ kind: 'declassify', name: call.toolName }, () => {
    const labels = flow.fromHandle.filter((label) => isDeclassified(label) && !flow.labels.read.includes(label))
    const { userId } = recorder.principal
    if (labels.length > 0) services.guard.declassified({ userId, agent: definition.name, action, taint: labels })
    return [...labels]
  })
}
