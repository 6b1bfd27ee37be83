/** What a failure means at the command line: one clear sentence, a hint, and the exit code. */
import { type Finding, TroupeError } from 'troupe'
import { InputError } from './documents/index.ts'

export interface Failure {
  readonly code: 1 | 2
  readonly message: string
  readonly hint: string | undefined
}

/** What the person who started the program can put right: input, and the place where it keeps its data. */
const theirs =
  /^(?:storage\.|documents\.|run\.(?:unknown|over|agents_missing)|model\.(?:unknown|missing|key_missing|not_installed)|journal\.newer)/

export function failureOf(error: unknown): Failure {
  if (error instanceof InputError) return { code: 2, message: error.message, hint: undefined }
  const model = modelRejected(error)
  if (model) return { code: 2, message: model.message, hint: model.remedy }
  if (error instanceof TroupeError)
    return { code: theirs.test(error.code) ? 2 : 1, message: error.message, hint: error.hint }
  const message = error instanceof Error && error.message !== '' ? error.message : String(error)
  return { code: 1, message: message.split('\n')[0] ?? message, hint: undefined }
}

/** The whole team asks one model: what is wrong with it is said once. */
function modelRejected(error: unknown): Finding | undefined {
  const { code, findings = [] } = (error ?? {}) as { readonly code?: string; readonly findings?: readonly Finding[] }
  if (code !== 'topology.rejected') return undefined
  return findings.every((finding) => theirs.test(finding.code)) ? findings[0] : undefined
}
