/**
 * Converts the schema of a tool's input to the form that every provider accepts: one object, without a reference and
 * without a choice at its top. Several forms are merged into one that has the fields of all; the tool's own schema
 * checks each call.
 */
import { isObject, isText, type Json } from '../core/index.ts'

type JsonObject = { readonly [key: string]: Json }

interface Form {
  readonly properties: ReadonlyMap<string, Json>
  readonly required: ReadonlySet<string>
  readonly closed: boolean
}

const choices = ['anyOf', 'oneOf', 'allOf', '$ref']
const restrictive = [...choices, 'type', 'enum', 'const', 'not', 'properties']

/** The depth at which circular references end. */
const deepest = 32
/** The highest number of forms that are merged. References to references multiply, and a schema may come from outside. */
const maxForms = 1_000

interface Search {
  readonly root: JsonObject
  /** The number of forms so far. */
  forms: number
  /** The JSON texts of the schemas of properties. */
  readonly texts: Map<Json, string>
}

/** @returns undefined for a schema that is not an object in any of its forms */
export function objectSchema(schema: JsonObject): JsonObject | undefined {
  if (schema.type === 'object' && !choices.some((word) => word in schema)) return schema
  if (!restrictive.some((word) => word in schema)) return { ...schema, type: 'object' }
  const form = formOf(schema, { root: schema, forms: 0, texts: new Map() }, 0)
  if (!form) return undefined
  return {
    ...Object.fromEntries(Object.entries(schema).filter(([word]) => !choices.includes(word))),
    type: 'object',
    properties: Object.fromEntries(form.properties),
    required: [...form.required],
    ...(form.closed ? { additionalProperties: false } : {}),
  }
}

function formOf(schema: Json | undefined, search: Search, depth: number): Form | undefined {
  if (!isObject(schema) || depth > deepest || ++search.forms > maxForms) return undefined
  const { type, properties, required, allOf, anyOf, oneOf, $ref, additionalProperties } = schema
  const isTyped = Array.isArray(type) ? type.includes('object') : type === 'object'
  if (type !== undefined ? !isTyped : 'enum' in schema || 'const' in schema) return undefined
  const inner = (part: Json | undefined) => formOf(part, search, depth + 1)
  const parts = [...itemsOf(allOf), ...($ref === undefined ? [] : [referred($ref, search.root)])].map(inner)
  for (const forms of [anyOf, oneOf]) if (Array.isArray(forms)) parts.push(oneOfThem(search, forms.map(inner)))
  // A schema without a type allows every value, so it is an object only if it or one of its parts says so.
  if (type === undefined && properties === undefined && parts.length === 0) return undefined
  const own = {
    properties: new Map(Object.entries(isObject(properties) ? (properties as JsonObject) : {})),
    required: new Set(itemsOf(required).filter(isText)),
    closed: additionalProperties === false,
  }
  return parts.some((part) => part === undefined) ? undefined : allOfThem(search, [own, ...(parts as readonly Form[])])
}

const itemsOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

const allOfThem = (search: Search, forms: readonly Form[]): Form => ({
  properties: merged(search, forms, (schemas) => ({ allOf: schemas })),
  required: new Set(forms.flatMap(({ required }) => [...required])),
  closed: forms.some(({ closed }) => closed),
})

/** Combines alternatives. It ignores those that are not objects, because the arguments of a call are an object. */
function oneOfThem(search: Search, all: readonly (Form | undefined)[]): Form | undefined {
  const forms = all.filter((form) => form !== undefined)
  const [first, ...others] = forms
  return (
    first && {
      properties: merged(search, forms, eitherOf),
      required: new Set([...first.required].filter((name) => others.every(({ required }) => required.has(name)))),
      closed: forms.every(({ closed }) => closed),
    }
  )
}

/** Merges the constants that distinguish the forms into one enum. */
function eitherOf(schemas: readonly Json[]): Json {
  const words = schemas.flatMap((schema) => (isObject(schema) ? (schema.enum ?? schema.const) : undefined))
  if (!words.every((word) => typeof word === 'string')) return { anyOf: schemas }
  return { type: 'string', enum: [...new Set(words)] }
}

function merged(
  { texts }: Search,
  forms: readonly Form[],
  join: (schemas: readonly Json[]) => Json,
): ReadonlyMap<string, Json> {
  const textOf = (schema: Json): string => {
    const text = texts.get(schema) ?? JSON.stringify(schema)
    texts.set(schema, text)
    return text
  }
  const found = new Map<string, Map<string, Json>>()
  for (const { properties } of forms)
    for (const [name, schema] of properties) found.set(name, (found.get(name) ?? new Map()).set(textOf(schema), schema))
  return new Map([...found].map(([name, same]) => [name, same.size > 1 ? join([...same.values()]) : first(same)]))
}
const first = (schemas: ReadonlyMap<string, Json>): Json => [...schemas.values()][0] ?? {}

/** Resolves a JSON Pointer into the same schema; undefined for another reference. */
function referred(ref: Json, root: JsonObject): Json | undefined {
  if (!isText(ref) || !ref.startsWith('#')) return undefined
  let found: Json | undefined = root
  for (const step of ref.split('/').slice(1)) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
    found = isObject(found) && Object.hasOwn(found, name) ? (found as JsonObject)[name] : undefined
  }
  return found
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}
