/** What a failure means at the command line: one clear sentence, a hint, and the exit code. */
import { type Finding, TroupeError } from 'troupe'
import { InputError } from './documents/index.ts'

export interface Failure {
  readonly code: 1 | 2
  readonly sentence: string
  readonly hint: string | undefined
}

/** What the person who started the program can put right: input, and the place where it keeps its data. */
const theirs =
  /^(?:storage\.|run\.(?:unknown|over|agents_missing)|model\.(?:unknown|missing|key_missing|not_installed)|journal\.newer)/

export function failureOf(error: unknown): Failure {
  if (error instanceof InputError) return { code: 2, sentence: error.message, hint: undefined }
  const model = modelRefused(error)
  if (model) return { code: 2, sentence: model.message, hint: model.remedy }
  if (error instanceof TroupeError)
    return { code: theirs.test(error.code) ? 2 : 1, sentence: error.message, hint: error.hint }
  const sentence = error instanceof Error && error.message !== '' ? error.message : String(error)
  return { code: 1, sentence: sentence.split('\n')[0] ?? sentence, hint: undefined }
}

/** The whole team asks one model: what is wrong with it is said once. */
function modelRefused(error: unknown): Finding | undefined {
  const { code, findings = [] } = (error ?? {}) as { readonly code?: string; readonly findings?: readonly Finding[] }
  if (code !== 'topology.refused') return undefined
  return findings.every((finding) => theirs.test(finding.code)) ? findings[0] : undefined
}
