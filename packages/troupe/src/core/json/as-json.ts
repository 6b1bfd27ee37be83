/** Values of interfaces as JSON. */
import type { Json, Recordable } from '../values/json-value.ts'

/** Returns the value as JSON: an interface has no index signature, so the compiler does not see it by itself. */
export const asJson = <T>(value: Recordable<T>): Json => value as Json
