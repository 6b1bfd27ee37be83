/** The recorded calls of a step: of models, tools and guardrails, and its own effects. */
import type { Json } from '../../../core/index.ts'
import type { RecordedEffect } from '../../../journal/index.ts'

/** A recorded call of a step: of a model, a tool or a guardrail, or an effect of its code. */
export interface RecordedCall extends Pick<RecordedEffect, 'call' | 'class' | 'state' | 'input' | 'error' | 'taint'> {
  /** The kind of the call. */
  readonly kind: 'model' | 'tool' | 'guardrail' | 'effect'
  /**
   * The name of the tool or effect; for a guardrail, `input` or `output` and its name; for a model call, its turn, or
   * `summary` or `facts` for calls of memory.
   */
  readonly name: string
  /**
   * The time of the commit before its start, as ISO 8601 text; absent for a call that was not claimed: a `read`, and a model
   * call without a budget.
   */
  readonly startedAt?: string
  /** The time of the commit that has its outcome, as ISO 8601 text; absent until then. Calls of one turn commit together. */
  readonly recordedAt?: string
  /** How often it was started; absent for once. */
  readonly attempts?: number
  /** The idempotency key that the function received; absent for a call without a claim. */
  readonly key?: string
  /** The output; of a model call the answer: `content`, `usage`, `model`, `cost`. */
  readonly output?: Json
}

/** Returns the part of a step that the name of a model call holds; undefined for other effects. */
export const modelCallOf = (effect: string): string | undefined => /^model (\d+|summary|facts)$/.exec(effect)?.[1]

export function recordedCall({
  call,
  name,
  class: effectClass,
  state,
  key,
  claimedAt,
  recordedAt,
  attempts,
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
    ...(claimedAt === undefined ? {} : { startedAt: new Date(claimedAt).toISOString() }),
    ...(recordedAt === undefined ? {} : { recordedAt: new Date(recordedAt).toISOString() }),
    ...(attempts > 1 ? { attempts } : {}),
    ...(key === undefined ? {} : { key }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(taint === undefined ? {} : { taint }),
  }
}
