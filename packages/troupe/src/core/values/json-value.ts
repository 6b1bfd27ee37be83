/** A value that JSON carries. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

type NotJson =
  | bigint
  | symbol
  | undefined
  | Date
  | Map<unknown, unknown>
  | Set<unknown>
  | ((...args: never[]) => unknown)

/** The JSON form of values of type T; any JSON if T is unknown. Fields that JSON cannot carry have the type `never`. */
export type AsJson<T> = unknown extends T
  ? Json
  : T extends Json
    ? T
    : T extends NotJson
      ? never
      : { readonly [K in keyof T]: AsJson<T[K]> }

/**
 * The type of a parameter that accepts values of type T. An interface has no index signature and is therefore not a `Json`,
 * although its values may be: here its fields decide.
 */
export type JsonInput<T> = Json | (T & AsJson<T>)

/** A value of type T whose fields JSON carries: where T has another field, no value has this type. */
export type Recordable<T> = T & AsJson<T>
