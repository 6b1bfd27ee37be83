/** Gives a server the parts of the troupe that it serves. */
import { invalidInput, readable } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { partsOf, type Troupe } from './troupe.ts'

/** @throws ValidationError if the argument is not a troupe, for example the promise of one */
export function partsIn(troupe: Troupe): TroupeParts {
  const parts = readable('troupe', () => (troupe as Partial<Troupe> | undefined)?.[partsOf])
  if (parts) return parts
  throw invalidInput('troupe', 'it must be the result of createTroupe()')
}
