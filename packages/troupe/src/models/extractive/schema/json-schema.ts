/** The part of JSON Schema that this model reads. */
import type { JSONValue } from '@ai-sdk/provider'

export type JsonSchema = boolean | JsonSchemaObject

export interface JsonSchemaObject {
  readonly $ref?: string | undefined
  readonly type?: string | readonly string[] | undefined
  readonly description?: string | undefined
  readonly default?: JSONValue | undefined
  readonly const?: JSONValue | undefined
  readonly enum?: readonly JSONValue[] | undefined
  readonly format?: string | undefined
  readonly pattern?: string | undefined
  readonly minLength?: number | undefined
  readonly maxLength?: number | undefined
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
  readonly exclusiveMinimum?: number | boolean | undefined
  readonly exclusiveMaximum?: number | boolean | undefined
  readonly minItems?: number | undefined
  readonly maxItems?: number | undefined
  readonly items?: JsonSchema | readonly JsonSchema[] | undefined
  readonly properties?: { readonly [name: string]: JsonSchema } | undefined
  readonly required?: readonly string[] | undefined
  readonly anyOf?: readonly JsonSchema[] | undefined
  readonly oneOf?: readonly JsonSchema[] | undefined
  readonly allOf?: readonly JsonSchema[] | undefined
}

/** Returns whether a text has an option of an enumeration as a separate word. */
export function speaksOf(text: string, option: string): boolean {
  const words = option.replace(/[_-]+/g, ' ').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return new RegExp(`(?<![\\p{L}\\p{N}])${words}(?![\\p{L}\\p{N}])`, 'iu').test(text)
}

/** The element schema of a list. */
export function itemOf({ items }: JsonSchemaObject): JsonSchema | undefined {
  return isList(items) ? items[0] : items
}

function isList(items: JsonSchemaObject['items']): items is readonly JsonSchema[] {
  return Array.isArray(items)
}

/** The types that a schema allows. If it names none, those that its other keywords imply. */
export function typesOf(schema: JsonSchemaObject): readonly string[] {
  const { type } = schema
  if (typeof type === 'string') return [type]
  return type ?? [schema.properties ? 'object' : schema.items ? 'array' : 'string']
}
