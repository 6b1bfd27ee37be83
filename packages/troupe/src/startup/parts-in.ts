/** Gives a server the parts of the troupe that it serves. */
import { fieldOf, invalidInput, readable } from '../core/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import { partsOf, type Troupe } from './troupe.ts'

/** @throws ValidationError if the argument is not a troupe, for example the promise of one, or that of another copy of the library */
export function partsIn(troupe: Troupe): TroupeParts {
  const parts = readable('troupe', () => (troupe as Partial<Troupe> | undefined)?.[partsOf])
  if (parts) return parts
  const has = (name: string) => typeof fieldOf(troupe, name) === 'function'
  if (has('then')) throw invalidInput('troupe', 'it is a promise of the result of createTroupe(): await it')
  if (has('user') && has('drain'))
    throw invalidInput(
      'troupe',
      'another copy of the library has opened it: load the library once, in Next.js with serverExternalPackages: ["troupe"]',
    )
  throw invalidInput('troupe', 'it must be the result of createTroupe()')
}
