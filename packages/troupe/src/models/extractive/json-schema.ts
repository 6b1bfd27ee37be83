/** The part of JSON Schema that this model reads. */
import type { JSONValue } from '@ai-sdk/provider'

export type JsonSchema = boolean | JsonSchemaObject

export interface JsonSchemaObject {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: JSONValue
  readonly const?: JSONValue
  readonly enum?: readonly JSONValue[]
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number | boolean
  readonly exclusiveMaximum?: number | boolean
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: JsonSchema | readonly JsonSchema[]
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly required?: readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

/** Whether an option of an enumeration stands in a text as a word of its own. */
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

/** The types that a schema allows; those it implies where it names none. */
export function typesOf(schema: JsonSchemaObject): readonly string[] {
  const { type } = schema
  if (typeof type === 'string') return [type]
  return type ?? [schema.properties ? 'object' : schema.items ? 'array' : 'string']
}
