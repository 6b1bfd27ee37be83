/** What the catalogue says of a code. */
import type * as errors from './troupe-error.ts'

export type ErrorClass = new (message: string, options?: errors.TroupeErrorOptions) => errors.TroupeError

export interface CatalogueEntry {
  readonly class: ErrorClass
  /** `{name}` is filled from the values given to `failure()`. */
  readonly message: string
  readonly hint: string
  /** Where it differs from the class's own. */
  readonly status?: number
  readonly retryable?: boolean
}
