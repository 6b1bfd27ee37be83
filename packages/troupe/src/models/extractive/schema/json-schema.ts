/** The part of JSON Schema that this model reads. */
import type { JSONValue } from '@ai-sdk/provider'
import { truncateText } from '../../../core/index.ts'

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

/** The options of an enumeration that are searched for, and their maximal length, in the beginning of a text. */
const limits = { options: 1_000, optionLength: 200, textLength: 10_000 }

/** Returns the first option of an enumeration that a text has as separate words, ignoring case. */
export function optionIn(text: string, options: readonly JSONValue[]): JSONValue | undefined {
  const searched = truncateText(text, limits.textLength).toLowerCase()
  return options.slice(0, limits.options).find((option) => {
    const words = String(option).replace(/[_-]+/g, ' ').toLowerCase()
    return option !== null && words !== '' && words.length <= limits.optionLength && hasWords(searched, words)
  })
}

function hasWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const end = at + words.length
    // A character outside the basic plane has two units.
    const [before, after] = [text.slice(Math.max(0, at - 2), at), text.slice(end, end + 2)]
    if (!/[\p{L}\p{N}]$/u.test(before) && !/^[\p{L}\p{N}]/u.test(after)) return true
  }
  return false
}

/** Returns the schema of the elements of a list. */
export function itemOf({ items }: JsonSchemaObject): JsonSchema | undefined {
  return isList(items) ? items[0] : items
}

function isList(items: JsonSchemaObject['items']): items is readonly JsonSchema[] {
  return Array.isArray(items)
}

/** Returns the types that a schema allows; if it names none, those that its other keywords imply. */
export function typesOf(schema: JsonSchemaObject): readonly string[] {
  const { type } = schema
  if (typeof type === 'string') return [type]
  return type ?? [schema.properties ? 'object' : schema.items ? 'array' : 'string']
}
