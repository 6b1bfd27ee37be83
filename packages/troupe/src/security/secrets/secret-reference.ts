/** A secret named instead of written down: where a value stands in the configuration, its name may stand. */
import { failure } from '../../core/index.ts'

export interface SecretReference {
  readonly secret: string
}

/** A secret as it is, or by its name. */
export type SecretText = string | SecretReference

/** Fit for a variable, a path below a folder and an argument of a command alike. */
const allowed = /^\w[\w./:-]{0,255}$/

/**
 * Names a secret that is looked for when it is needed, in the places that `secrets` of createTroupe lists.
 * @param name 1 to 256 letters, digits or one of . _ : / -, beginning with a letter or digit
 * @throws ValidationError for a name that is not allowed
 * @example
 * const troupe = await createTroupe({ storage: { host: 'db', user: 'app', password: secret('DB_PASSWORD') } })
 */
export function secretRef(name: string): SecretReference {
  if (typeof name !== 'string' || !allowed.test(name) || name.split('/').includes('..')) {
    const problem =
      'it is 1 to 256 letters, digits or one of . _ : / -, begins with a letter or digit, and has no part ..'
    throw failure('validation.failed', { what: 'The name of a secret', problem })
  }
  return Object.freeze({ secret: name })
}

export const isSecretReference = (value: unknown): value is SecretReference =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).join() === 'secret' &&
  typeof (value as SecretReference).secret === 'string'
