/** What a person may be asked, and whether an answer fits: the same in runs and in sessions. */

import { failure } from './errors/failure.ts'
import type { TroupeError } from './errors/troupe-error.ts'
import type { Duration } from './time/duration.ts'
import type { Json } from './values/json-value.ts'

export const questionKinds = ['question', 'choice', 'confirmation', 'draft', 'approval', 'error', 'breakpoint'] as const

export type Question = {
  readonly kind: (typeof questionKinds)[number]
  readonly text: string
  /** What may be answered; absent, anything of the kind. */
  readonly options?: readonly string[]
  /** After which `default` is the answer, or the wait fails. */
  readonly timeout?: Duration
  readonly default?: Json
  /** Of an approval: the call that it is about. */
  readonly tool?: string
  readonly args?: Json
  /** Of the exact arguments: an approval is bound to it. */
  readonly hash?: string
}

const answersToAnError: readonly string[] = ['retry', 'skip', 'abort']

/** @returns what is wrong with the answer; undefined where it fits */
export function wrongAnswer(question: Question, value: Json): TroupeError | undefined {
  const wrong = (problem: string) =>
    failure('validation.failed', { what: `The answer to "${question.text.slice(0, 80)}"`, problem })
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
