/** Keys with a form and a schema, which a push checks. */
import {
  checkSchema,
  failure,
  fieldOf,
  invalidInput,
  isObject,
  type Json,
  type JsonInput,
  type Schema,
  show,
} from '../../core/index.ts'

/** A key with the schema of its value. */
export interface Key<T = unknown> {
  /** The key as text. */
  readonly key: string
  /** The schema that a pushed value must match. */
  readonly schema: Schema<T>
  /** Returns the key as text. */
  toString(): string
}

/** The type of the value behind a key. */
export type KeyValue<K> = K extends Key<infer T> ? T : Json
/** The type of a value that is written to a key: JSON, also of an interface, for a key without a schema. */
export type KeyInput<K, V> = K extends Key<infer T> ? T : JsonInput<V>

type Names<Form extends string> = Form extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
type Parameters<Form extends string> = string extends Form
  ? Readonly<Record<string, string | number>>
  : { readonly [Name in Names<Form>]: string | number }

/** Creates the keys of one form: a function of the parameters of the form, with the pattern of all its keys. */
export interface KeyMaker<Form extends string, T> {
  (...parameters: Names<Form> extends never ? [Parameters<Form>?] : [Parameters<Form>]): Key<T>
  /** Matches all keys of this form, for `list` and `watch`. */
  readonly pattern: string
}

/**
 * Defines keys of one form with the schema of their values.
 * @param form dotted text with `{name}` for each parameter
 * @param schema any Standard Schema; a push of a value that does not match is rejected
 * @throws ValidationError `key.parameter` when a parameter is missing, empty or not in the form
 * @example
 * const OrderStatus = defineKey('orders.{id}.status', z.object({ paid: z.boolean() }))
 * await support.context.push(OrderStatus({ id: 17 }), { paid: true })
 */
export function defineKey<const Form extends string, T>(form: Form, schema: Schema<T>): KeyMaker<Form, T> {
  if (typeof form !== 'string' || /[{}]/.test(form.replace(/\{[^{}]+\}/g, '')))
    throw invalidInput('The form of a key', `${show(form)} is not a text with {name} in it`)
  // A missing schema would otherwise be noticed only at the first push.
  checkSchema(`The schema of ${form}`, schema ?? null)
  const names = [...form.matchAll(/\{([^{}]*)\}/g)].map((found) => found[1] as string)
  const make = (parameters: Readonly<Record<string, string | number>> = {}): Key<T> => {
    if (!isObject(parameters)) throw invalidInput(`The parameters of the key ${form}`, 'they must be an object')
    for (const name of Object.keys(parameters))
      if (!names.includes(name)) throw failure('key.parameter', { form, name, problem: 'does not occur in the form' })
    const key = form.replace(/\{([^{}]*)\}/g, (_, name: string) => {
      const value: unknown = Object.hasOwn(parameters, name) ? parameters[name] : undefined
      if ((typeof value !== 'string' && !Number.isFinite(value)) || value === '')
        throw failure('key.parameter', { form, name, problem: 'needs a text or a number' })
      return String(value)
    })
    return Object.freeze({ key, schema, toString: () => key })
  }
  return Object.assign(make, { pattern: form.replace(/\{[^{}]*\}/g, '*') }) as KeyMaker<Form, T>
}

export const keyText = (key: Key | string): unknown => (isObject(key as unknown) ? (fieldOf(key, 'key') ?? key) : key)
