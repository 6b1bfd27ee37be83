/** What a step asked of the world, as its record has it: of models, of tools, and in effects of its own. */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { RecordedEffect } from '../../journal/index.ts'

export interface RecordedCall {
  /** Which call of the step it is. */
  readonly call: string
  readonly kind: 'model' | 'tool' | 'effect'
  /** Of the tool or effect; of a model's call, its turn, or `summary` for one that a hand-off carries. */
  readonly name: string
  readonly class: RecordedEffect['class']
  /** `claimed`: begun, and not over. `not-happened`: somebody said so of an uncertain one. */
  readonly state: RecordedEffect['state']
  /** The idempotency key that its function was given; absent for one that was not claimed. */
  readonly key?: string
  /** What it was given, of an effect or tool of class `at-most-once` up to 16 KiB. */
  readonly input?: Json
  /** What came of it; of a model the whole answer: `content`, `usage`, `model`, `cost`. */
  readonly output?: Json
  readonly error?: StoredError
  /** What it came with. */
  readonly taint?: readonly TaintLabel[]
}

export function recordedCall({
  call,
  name,
  class: effectClass,
  state,
  key,
  input,
  output,
  error,
  taint,
}: RecordedEffect): RecordedCall {
  const model = /^model (\d+|summary)$/.exec(name)?.[1]
  const tool = /^(.+) \d+\.\d+$/s.exec(name)?.[1]
  return {
    call,
    kind: model === undefined ? (tool === undefined ? 'effect' : 'tool') : 'model',
    name: model ?? tool ?? name,
    class: effectClass,
    state,
    ...(key === undefined ? {} : { key }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(taint === undefined ? {} : { taint }),
  }
}
