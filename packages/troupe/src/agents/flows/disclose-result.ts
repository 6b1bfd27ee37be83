/** The data that returns from a call: to the model, and into the labels of its step. */
import { isObject, type Json, joinTaint, type TaintLabel, truncateText } from '../../core/index.ts'
import type { Tool } from '../../tools/index.ts'
import { shortenResult } from '../memory/read-result-tool.ts'
import { type Called, judged } from '../model/call-agent-tool.ts'
import type { ToolCallPart, ToolResultPart } from '../model/content/model-messages.ts'
import type { LlmRun } from '../model/llm-run.ts'
import type { CallFlow } from './call-flow.ts'
import type { Handles } from './handles.ts'

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

/** The result of a call as the model reads it, with handles in place of hidden values. */
interface Disclosure {
  readonly value: Json
  readonly handles: readonly string[]
  /** The labels that the step gets from it. */
  readonly labels: readonly TaintLabel[]
}

const isUntrusted = (label: TaintLabel) => label.startsWith('untrusted:')

interface HiddenBy {
  /** The `hide` of the tool; undefined for helpers. */
  readonly hide?: Tool['hide'] | undefined
  /** The agent reads nothing that carries an untrusted label. */
  readonly untrusted: boolean
  /**
   * The labels of arguments that were handles. A result that derives from a hidden value is hidden too, unless it is
   * declassified.
   */
  readonly fromHandle: readonly TaintLabel[]
}

/** @param labels everything that the result carries */
function hideResult(
  handles: Handles | undefined,
  { value, success }: { readonly value: Json; readonly success: boolean },
  labels: readonly TaintLabel[],
  { hide, untrusted, fromHandle }: HiddenBy,
): Disclosure {
  if (!handles) return { value, handles: [], labels }
  const derived = fromHandle.some((label) => labels.includes(label))
  if (derived || (untrusted && labels.some(isUntrusted) && !Array.isArray(hide)) || (success && hide === true))
    return complete(handles, value, labels, success)
  if (!Array.isArray(hide)) return { value, handles: [], labels }
  // The message of an error may quote the untrusted source.
  if (!success)
    return labels.some(isUntrusted) ? complete(handles, value, labels, false) : { value, handles: [], labels }
  return fields(handles, value, labels, hide)
}

function complete(handles: Handles, value: Json, labels: readonly TaintLabel[], success: boolean): Disclosure {
  const handle = handles.hide(value, labels)
  const shown = success
    ? { handle, note: 'The result is hidden. Pass the handle on as an argument or in an answer, or use query_handle.' }
    : { error: 'It failed; why is hidden behind the handle.', handle }
  return { value: shown, handles: [handle], labels: [] }
}

/** Hides the fields with outside content. The rest is the tool's own content, and as sensitive as the result. */
function fields(handles: Handles, value: Json, labels: readonly TaintLabel[], paths: readonly string[]): Disclosure {
  const hidden: string[] = []
  const visit = (inner: Json, path: readonly string[]): Json => {
    const [name, ...rest] = path
    if (name === undefined) {
      const handle = handles.hide(inner, labels)
      hidden.push(handle)
      return handle
    }
    const isNamed = (key: string) => name === '*' || name === key
    if (Array.isArray(inner)) return inner.map((each, i) => (isNamed(String(i)) ? visit(each, rest) : each))
    if (!isObject(inner)) return inner
    return Object.fromEntries(
      Object.entries(inner).map(([key, each]) => [key, isNamed(key) ? visit(each as Json, rest) : (each as Json)]),
    )
  }
  const shown = paths.reduce((result, path) => visit(result, path.split('.')), value)
  // Without the declared fields, no part of the result is known to be the tool's own content.
  if (hidden.length === 0) return complete(handles, value, labels, true)
  return { value: shown, handles: hidden, labels: joinTaint(labels.filter((label) => !isUntrusted(label))) }
}
