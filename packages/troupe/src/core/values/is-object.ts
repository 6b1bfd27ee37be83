/** Returns whether a value is an object in the sense of JSON, neither a list nor null. A revoked proxy is not one. */
export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  try {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** Returns whether a value is an object without a class, as an object literal is. */
export function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  try {
    if (!isObject(value)) return false
    const prototype: unknown = Object.getPrototypeOf(value)
    return prototype === null || prototype === Object.prototype || isRootPrototype(prototype as object)
  } catch {
    // A proxy may throw for anything.
    return false
  }
}

/** Returns whether a value is a list of which each item fits. It ends at the first hole of a list of 4 billion. */
export function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  try {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) if (!isItem(value[i])) return false
    return true
  } catch {
    return false
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string'
export const isFilledText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** `instanceof`, which a proxy cannot make throw. */
export function isInstance<T>(value: unknown, Class: abstract new (...parameters: never[]) => T): value is T {
  try {
    return value instanceof Class
  } catch {
    return false
  }
}

/** The prototype of plain objects, of another realm (a vm context, a worker's clone) too. */
export const isRootPrototype = (prototype: object): boolean =>
  Object.getPrototypeOf(prototype) === null &&
  Object.hasOwn(prototype, 'isPrototypeOf') &&
  Object.hasOwn(prototype, 'valueOf')
