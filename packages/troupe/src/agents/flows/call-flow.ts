/** The data that flows into a call by a model. */
import { type Json, joinTaint, type TaintLabel } from '../../core/index.ts'
import type { CallLabels } from '../../security/index.ts'
import type { LlmRun } from '../model/llm-run.ts'

export interface CallFlow {
  /** The arguments, with values in place of handles. */
  readonly args: Json
  readonly labels: CallLabels
  /** Labels of the values that came through handles. */
  readonly fromHandle: readonly TaintLabel[]
  /** Some value came through a handle, labelled or not. */
  readonly usesHandle: boolean
  /** A handle that the conversation does not have. */
  readonly unknown?: string | undefined
}

/** @param written the arguments as the model gave them */
export function readCallFlow({ entry, texts, handles }: LlmRun, written: Json): CallFlow {
  const read = entry.recorder.taint
  const own = texts.labelsOf(written, read, handles)
  const { value, labelled, unknown } = handles?.resolve(written) ?? { value: written, labelled: [], unknown: [] }
  const fromHandle = joinTaint(...labelled.map(({ labels }) => labels))
  return {
    args: value,
    labels: { read, args: [...own, ...labelled] },
    fromHandle,
    usesHandle: labelled.length > 0,
    unknown: unknown[0],
  }
}
