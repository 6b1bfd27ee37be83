/** The questions that a person may be asked, and the check of an answer: the same in runs and in sessions. */

import { failure, invalidInput } from './errors/failure.ts'
import type { TroupeError } from './errors/troupe-error.ts'
import type { Duration } from './time/duration.ts'
import type { Json } from './values/json-value.ts'
import { truncateText } from './values/truncate-text.ts'

export const questionKinds = ['question', 'choice', 'confirmation', 'draft', 'approval', 'error', 'breakpoint'] as const

/** A question to a person. */
export type Question = {
  /**
   * The kind of the question, which decides the form of the answer: `confirmation` takes true or false, `approval` `{
   * approve, hash, reason? }`, `breakpoint` true or `{ result }`, `error` `retry`, `skip` or `abort`; the others any
   * value, or one of `options`.
   */
  readonly kind: (typeof questionKinds)[number]
  /** The text of the question. */
  readonly text: string
  /** The allowed answers; without it, any answer of the kind. */
  readonly options?: readonly string[]
  /**
   * The time for an answer. After it, `default` is the answer, or the wait fails if there is none. Without a timeout,
   * the question stays open.
   */
  readonly timeout?: Duration
  /** The answer after the timeout. */
  readonly default?: Json
  /** The tool of the call that needs the approval; present for an approval. */
  readonly tool?: string
  /** The arguments of the call that needs the approval. */
  readonly args?: Json
  /** The hash of the exact arguments, which the answer to an approval must repeat. */
  readonly hash?: string
}

const answersToAnError: readonly string[] = ['retry', 'skip', 'abort']

/** Returns what is wrong with an answer, undefined if it fits. */
export function wrongAnswer(question: Question, value: Json): TroupeError | undefined {
  const wrong = (problem: string) => invalidInput(`The answer to "${truncateText(question.text, 80)}"`, problem)
  const { kind, options } = question
  if (kind === 'confirmation') return typeof value === 'boolean' ? undefined : wrong('it must be true or false')
  if (kind === 'approval') {
    if (!isApproval(value)) return wrong('it must be { approve, hash, reason? }, with approve true or false')
    return question.hash === undefined || value.hash === question.hash
      ? undefined
      : failure('approval.mismatch', { tool: question.tool ?? 'the tool' })
  }
  if (kind === 'breakpoint') {
    const isResult = value !== null && typeof value === 'object' && 'result' in value
    return value === true || isResult ? undefined : wrong('it must be true, or { result } in place of the call')
  }
  const allowed: readonly Json[] | undefined = options ?? (kind === 'error' ? answersToAnError : undefined)
  return !allowed || allowed.includes(value) ? undefined : wrong(`it must be one of ${allowed.join(', ')}`)
}

function isApproval(value: Json): value is { readonly approve: boolean; readonly hash?: Json } {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const { approve, hash: _, reason, ...rest } = value as { readonly [key: string]: Json }
  const isReason = reason === undefined || reason === null || typeof reason === 'string'
  return typeof approve === 'boolean' && isReason && Object.keys(rest).length === 0
}
