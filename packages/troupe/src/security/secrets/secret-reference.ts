/** References to secrets: a configuration may name a secret in place of its value. */
import { invalidInput } from '../../core/index.ts'

/** The name of a secret, in place of its value. */
export interface SecretReference {
  /** The name: 1 to 256 letters, digits or one of `. _ : / -`. */
  readonly secret: string
}

/** A secret, or a reference to one. */
export type SecretText = string | SecretReference

/** Valid as a variable, as a path below a folder, and as an argument of a command. */
const allowed = /^\w[\w./:-]{0,255}$/

/**
 * Names a secret, which is looked up in the sources that `secrets` of createTroupe lists when it is needed.
 * @param name 1 to 256 letters, digits or one of `. _ : / -`, beginning with a letter, a digit or `_`
 * @throws ValidationError for a name that is not allowed
 * @example
 * const troupe = await createTroupe({ storage: { host: 'db', user: 'app', password: secretRef('DB_PASSWORD') } })
 */
export function secretRef(name: string): SecretReference {
  if (typeof name !== 'string' || !allowed.test(name) || name.split('/').includes('..')) {
    const problem =
      'it must be 1 to 256 letters, digits or any of . _ : / -, begin with a letter or digit, and have no part ..'
    throw invalidInput('The name of a secret', problem)
  }
  return Object.freeze({ secret: name })
}

export const isSecretReference = (value: unknown): value is SecretReference =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).join() === 'secret' &&
  typeof (value as SecretReference).secret === 'string'
