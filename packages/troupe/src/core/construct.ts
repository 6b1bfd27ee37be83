/**
 * The key of the static method that constructs an object which an application only receives. The constructor is private
 * and no entry exports this symbol, so that only the library's modules construct such objects.
 */
import { invalidInput } from './errors/failure.ts'

export const construct: unique symbol = Symbol('construct')

/**
 * Checks that a module of the library calls a private constructor, which JavaScript lets every program call.
 * @param source names the call that returns such an object, e.g. `user.orchestra.start`
 * @throws ValidationError
 */
export function checkConstruct(key: unknown, what: string, source: string): void {
  if (key !== construct) throw invalidInput(`new ${what}()`, `${source} gives one, and no program constructs it`)
}
