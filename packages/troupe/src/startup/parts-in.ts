/** Gives a server the parts of the troupe that it serves. */
import { failure, readable } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { partsOf, type Troupe } from './troupe.ts'

/** @throws ValidationError if the argument is not a troupe, for example the promise of one */
export function partsIn(troupe: Troupe): TroupeParts {
  const parts = readable('troupe', () => (troupe as Partial<Troupe> | undefined)?.[partsOf])
  if (parts) return parts
  throw failure('validation.failed', { what: 'troupe', problem: 'it is not what createTroupe() resolves to' })
}
