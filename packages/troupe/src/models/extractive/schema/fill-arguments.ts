/** Fills the arguments of a tool call from the question and from the names in earlier results. */
import type { JSONObject, JSONValue } from '@ai-sdk/provider'
import { truncateText } from '../../../core/index.ts'
import { originNames } from '../text/compose-text.ts'
import type { Material } from '../text/material.ts'
import { parsed } from '../text/sources.ts'
import { itemOf, type JsonSchema, type JsonSchemaObject, optionIn, typesOf } from './json-schema.ts'

const searchName =
  /^(?:q|query|queries|question|search|search_?(?:term|text|query)s?|keywords?|text|topic|terms?|prompt|input|pattern)$/i
const originName =
  /^(?:path|file|file_?name|file_?path|document|document_?(?:id|path)|doc|source|uri|url|key|id|name)$/i
const longestQuery = 300
/** The characters of a question in which names are looked for. */
const longestQuestion = 2_000
const deepest = 4

/**
 * @param used the inputs of earlier calls of this tool, whose texts are not used again
 * @returns the arguments; undefined if the prompt lacks a required one
 */
export function fillArguments(
  schema: JsonSchemaObject,
  material: Material,
  used: readonly unknown[],
): JSONObject | undefined {
  const numbers = (material.task.question.match(/(?<![\p{L}\d.])-?\d+(?:\.\d+)?/gu) ?? []).map(Number)
  return fillObject(schema, { material, used: new Set(used.flatMap(stringsIn)), numbers, depth: 0 })
}

interface Filling {
  readonly material: Material
  readonly used: ReadonlySet<string>
  /** The numbers of the question that no argument uses yet. */
  readonly numbers: number[]
  readonly depth: number
}

function fillObject(schema: JsonSchemaObject, filling: Filling): JSONObject | undefined {
  const input: JSONObject = {}
  const properties = Object.entries(schema.properties ?? {})
  const required = new Set(schema.required ?? [])
  // If the schema requires no argument, the query of a search is still filled.
  const wanted =
    required.size > 0 ? required : new Set(properties.map(([name]) => name).filter((name) => searchName.test(name)))
  for (const [name, property] of properties) {
    const named = namedInRequest(name, property, filling)
    const value = named ?? valueFor(name, property, filling)
    if (named !== undefined) input[name] = named
    else if (value !== undefined && (wanted.has(name) || typeof property === 'boolean' || property.enum))
      input[name] = value
    else if (value === undefined && required.has(name)) return undefined
  }
  return input
}

/** Returns the string of the request, if it is JSON, under the name of the argument. */
function namedInRequest(name: string, definition: JsonSchema, { material, used }: Filling): string | undefined {
  if (typeof definition === 'boolean' || !typesOf(definition).includes('string')) return undefined
  const request = parsed(material.task.request)
  if (!request || typeof request !== 'object' || Array.isArray(request)) return undefined
  const value = Reflect.get(request, name) as unknown
  return typeof value === 'string' && !used.has(value) ? value : undefined
}

function valueFor(name: string, definition: JsonSchema, filling: Filling): JSONValue | undefined {
  if (typeof definition === 'boolean' || filling.depth > deepest) return undefined
  const { material } = filling
  if (definition.const !== undefined) return definition.const
  if (definition.enum) return optionIn(material.task.question, definition.enum) ?? definition.default
  const alternatives = definition.anyOf ?? definition.oneOf
  if (alternatives) {
    for (const one of alternatives) {
      const value = valueFor(name, one, filling)
      if (value !== undefined) return value
    }
    return undefined
  }
  const [type] = typesOf(definition).filter((one) => one !== 'null')
  if (type === 'string') return textFor(name, definition, filling) ?? definition.default
  if (type === 'number' || type === 'integer') return definition.default ?? numberFor(filling, type === 'integer')
  if (type === 'array') return listFor(name, definition, filling)
  if (type === 'object') return fillObject(definition, { ...filling, depth: filling.depth + 1 })
  return definition.default
}

function textFor(name: string, schema: JsonSchemaObject, { material, used }: Filling): string | undefined {
  const { task, keywords, subQuestions } = material
  const question = truncateText(task.question, longestQuestion)
  const fits = (value: string) =>
    value !== '' && value.length <= (schema.maxLength ?? Number.POSITIVE_INFINITY) && !used.has(value)
  if (searchName.test(name))
    return [
      truncateText(task.question, longestQuery),
      keywords.join(' '),
      ...subQuestions.map((one) => truncateText(one, longestQuery)),
    ].find(fits)
  if (originName.test(name)) return [...originsIn(name, material), ...pathsIn(question)].find(fits)
  if (/expression|formula|calculation/i.test(name)) return arithmeticIn(question)
  return [...quotedIn(question), ...namedIn(question)].find(fits)
}

/** Returns the values of this name in earlier results, or of another name for the origin of a text. */
function originsIn(name: string, { task }: Material): string[] {
  const values = task.records.map(
    (record) => record[name] ?? originNames.map((other) => record[other]).find((value) => value !== undefined),
  )
  return [...new Set(values.flatMap((value) => (typeof value === 'string' ? [value] : [])))]
}

function pathsIn(text: string): string[] {
  return text.match(/\bhttps?:\/\/[^\s"'<>)]+|(?<![\w/])(?:[\w.-]+\/)*[\w-]+\.[a-z]\w{0,4}\b/g) ?? []
}

function quotedIn(text: string): string[] {
  return [...text.matchAll(/["“”`']([^"“”`']{1,200})["“”`'](?![\p{L}])/gu)].flatMap(([, inner]) =>
    inner ? [inner] : [],
  )
}

function namedIn(text: string): string[] {
  const named =
    /(?:in|for|of|at|from|to|about|near|with|named|called)\s+(\p{Lu}[\p{L}\p{N}.-]*(?:\s\p{Lu}[\p{L}\p{N}.-]*)*)/gu
  return [...text.matchAll(named)].flatMap(([, name]) => (name ? [name.replace(/[.-]+$/, '')] : []))
}

function arithmeticIn(text: string): string | undefined {
  return text
    .match(/[\d(][\d\s()+\-*/^.%]*[\d)]/g)
    ?.find((one) => /[+\-*/^%]/.test(one))
    ?.trim()
}

function numberFor({ numbers }: Filling, integerOnly: boolean): number | undefined {
  const [next] = numbers
  return next === undefined || (integerOnly && !Number.isInteger(next)) ? undefined : numbers.shift()
}

function listFor(name: string, schema: JsonSchemaObject, filling: Filling): JSONValue[] | undefined {
  const item = itemOf(schema)
  const { subQuestions } = filling.material
  const itemType = typeof item === 'object' ? item.type : 'string'
  if (itemType === 'string' && searchName.test(name))
    return subQuestions.slice(0, schema.maxItems ?? subQuestions.length)
  const one = item === undefined ? undefined : valueFor(name, item, { ...filling, depth: filling.depth + 1 })
  return one === undefined ? undefined : [one]
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return value && typeof value === 'object' ? Object.values(value).flatMap(stringsIn) : []
}
