/** What a step asked of the world, as its record has it: of models, tools and guardrails, and in effects of its own. */
import type { Json, StoredError, TaintLabel } from '../../../core/index.ts'
import type { RecordedEffect } from '../../../journal/index.ts'

export interface RecordedCall {
  /** Which call of the step it is. */
  readonly call: string
  readonly kind: 'model' | 'tool' | 'guardrail' | 'effect'
  /**
   * Of the tool or effect; of a guardrail, `input` or `output` and its name; of a model's call, its turn, or `summary` or
   * `facts` for what is remembered.
   */
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

/** The part of a step that an effect names as its model call; undefined for another effect. */
export const modelCallOf = (effect: string): string | undefined => /^model (\d+|summary|facts)$/.exec(effect)?.[1]

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
  const model = modelCallOf(name)
  const guardrail = /^guardrail ((?:input|output) .+)$/s.exec(name)?.[1]
  const tool = guardrail === undefined ? /^(.+) \d+\.\d+$/s.exec(name)?.[1] : undefined
  return {
    call,
    kind:
      model !== undefined ? 'model' : guardrail !== undefined ? 'guardrail' : tool !== undefined ? 'tool' : 'effect',
    name: model ?? guardrail ?? tool ?? name,
    class: effectClass,
    state,
    ...(key === undefined ? {} : { key }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(taint === undefined ? {} : { taint }),
  }
}
