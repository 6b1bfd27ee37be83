/** An entry of the catalogue of errors. */
import type * as errors from './troupe-error.ts'

export type ErrorClass = new (message: string, options?: errors.TroupeErrorOptions) => errors.TroupeError

export interface CatalogueEntry {
  readonly class: ErrorClass
  /** `{name}` is filled from the values given to `failure()`. */
  readonly message: string
  readonly hint: string
  /** The HTTP status, if it differs from that of the class. */
  readonly status?: number
  readonly retryable?: boolean
}
