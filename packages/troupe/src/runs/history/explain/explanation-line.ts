/** What an explanation consists of. */
import type { StoredError } from '../../../core/index.ts'

/** One thing that is to be said of a run. */
export interface ExplanationLine {
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
  readonly text: string
  /** The error that the text quotes. */
  readonly error?: StoredError
  /** Of the event it rests on, where there is one. */
  readonly seq?: number
}
