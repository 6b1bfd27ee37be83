/** One line of a cassette: a request and its result. */
import type { Json, Traffic } from '../../core/index.ts'

export interface RecordedInteraction {
  readonly kind: Traffic['kind']
  readonly name: string
  /** The hash of kind, name and request. */
  readonly key: string
  /** The number of the request among equal ones, from 1. */
  readonly nth: number
  readonly request: Json
  readonly answer?: Json
  readonly parts?: readonly Json[]
  readonly error?: Json
}
