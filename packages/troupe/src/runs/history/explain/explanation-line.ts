/** The lines of an explanation. */
import type { StoredError } from '../../../core/index.ts'

/** One sentence about a run. */
export interface ExplanationLine {
  /** The subject of the sentence. */
  readonly about:
    | 'waits'
    | 'uncertain'
    | 'policy'
    | 'failed'
    | 'guard'
    | 'cost'
    | 'path'
    | 'slow'
    | 'takeover'
    | 'other-process'
    | 'retained'
  /** The sentence. */
  readonly text: string
  /** The error that the text quotes. */
  readonly error?: StoredError
  /** The `seq` of the event that the sentence is about, if there is one. */
  readonly seq?: number
}
