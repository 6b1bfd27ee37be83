/**
 * The key of the static method that constructs an object which an application only receives. The constructor is private
 * and no entry exports this symbol, so that only the library's modules construct such objects.
 */
export const construct: unique symbol = Symbol('construct')
