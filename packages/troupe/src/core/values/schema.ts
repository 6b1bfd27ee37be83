/** Schemas are any Standard Schema; this is the only place that calls one. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type $ZodType, toJSONSchema } from 'zod/v4/core'
import { failure, invalidInput } from '../errors/failure.ts'
import { fieldOf } from './check-options.ts'
import type { Json } from './json-value.ts'
import { show } from './show.ts'

/** A Standard Schema (zod, valibot, arktype, …) of values of type T. */
export type Schema<T = unknown> = StandardSchemaV1<unknown, T>

type MutableJson = null | boolean | number | string | MutableJson[] | { [key: string]: MutableJson }
/** The values that fit a schema of T, also those of which the compiler infers literal types and read-only arrays. */
export type Fitting<T> = unknown extends T
  ? T
  : [MutableJson] extends [T]
    ? Json
    : T extends object
      ? { readonly [K in keyof T]: Fitting<T[K]> }
      : T

const pathOf = (issue: StandardSchemaV1.Issue) =>
  (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')

/**
 * The value as the schema gives it (defaults filled, texts coerced where it says so).
 * @param what names the value in the error
 * @throws ValidationError `validation.failed`, with every problem and its path, or what the schema itself threw
 */
export async function parse<T>(schema: Schema<T>, value: unknown, what: string): Promise<T> {
  const result = await validated(schema, value, what)
  if (!result.issues) return result.value
  const problems = result.issues
    .slice(0, 20)
    .map((issue) => (pathOf(issue) ? `${pathOf(issue)}: ${issueProblem(issue)}` : issueProblem(issue)))
  throw invalidInput(what, problems.join('; '))
}

/** Returns the message of an issue, in plain words for a value that is absent. */
export const issueProblem = ({ message }: { readonly message: string }): string =>
  /received undefined$/.test(message)
    ? 'it is missing'
    : message.replace(/^Invalid option: expected one of (.*)$/, inWords)

/** A list of zod, as `"a"|"b"`. */
const inWords = (_: string, options: string): string =>
  `it must be one of ${options.replaceAll('"', '').replaceAll('|', ', ')}`

async function validated<T>(schema: Schema<T>, value: unknown, what: string) {
  try {
    const result = await schema['~standard'].validate(value)
    if (typeof result === 'object' && result !== null) return result
    throw new TypeError('it returned neither a value nor issues')
  } catch (cause) {
    // A check or transformation of an application may throw instead of reporting an issue.
    const problem = `its schema threw: ${cause instanceof Error ? cause.message : show(cause)}`
    throw failure('validation.failed', { what, problem }, { cause })
  }
}

/** Checks that a value is a Standard Schema; undefined is accepted. @throws ValidationError */
export function checkSchema(what: string, schema: unknown): void {
  if (schema === undefined) return
  const validate = fieldOf(fieldOf(schema, '~standard'), 'validate')
  const makers = 'as of zod 4, arktype or valibot; z.fromJSONSchema(schema) of zod makes one of a JSON Schema'
  if (typeof validate !== 'function') throw invalidInput(what, `it must be a Standard Schema, ${makers}`)
}

/** `zod/mini`, and zod 4 before 4.2, have a JSON Schema, but do not report it. */
const isZod4 = (schema: object): schema is $ZodType => '_zod' in schema

type Side = 'input' | 'output'
type ToJsonSchema = (options: { target: string; libraryOptions?: Record<string, unknown> }) => Record<string, unknown>
interface WithJsonSchema {
  readonly '~standard': { readonly jsonSchema?: Readonly<Record<Side, ToJsonSchema>> }
}

function toJson(schema: Schema, side: Side, libraryOptions: Parameters<typeof toJSONSchema>[1] = {}) {
  const target = 'draft-2020-12'
  const { jsonSchema } = (schema as WithJsonSchema)['~standard']
  const made =
    !jsonSchema && isZod4(schema)
      ? toJSONSchema(schema, { io: side, target, ...libraryOptions })
      : jsonSchema?.[side]({ target, libraryOptions: { ...libraryOptions } })
  return made as { readonly [key: string]: Json } | undefined
}

/**
 * The JSON Schema (draft 2020-12) of what goes in; undefined if the library of the schema reports none.
 * @param what names the schema in the error
 * @throws ValidationError `validation.failed` for what JSON Schema can't express, such as dates
 */
export function jsonSchemaOf(schema: Schema, what = 'The schema'): { readonly [key: string]: Json } | undefined {
  try {
    return toJson(schema, 'input')
  } catch (cause) {
    const use =
      'accept a JSON value and convert it, for a date with z.iso.datetime().transform((text) => new Date(text))'
    const problem = `no JSON Schema can be made of it: ${(cause as Error).message}; ${use}`
    throw failure('validation.failed', { what, problem }, { cause })
  }
}

/**
 * Returns the JSON Schema of what goes in, for a model that must know it.
 * @param what names the schema in the error
 * @throws ValidationError `validation.failed` if the library of the schema provides none, and as `jsonSchemaOf` does
 */
export function modelSchemaOf(schema: Schema, what: string): { readonly [key: string]: Json } {
  const made = jsonSchemaOf(schema, what)
  if (made) return made
  const use = 'use zod 4, arktype, or valibot with toStandardJsonSchema of @valibot/to-json-schema'
  throw invalidInput(what, `it has no JSON Schema, which the model needs; ${use}`)
}

/**
 * Returns the JSON Schema of the values that a schema accepts or returns, for comparison with another one; undefined if
 * it is unknown.
 * @param side `input` is what it accepts, `output` what it returns, with defaults and transformations
 */
export function jsonSchemaFor(schema: Schema, side: Side): { readonly [key: string]: Json } | undefined {
  try {
    return toJson(schema, side, side === 'input' ? { override: simplify } : {})
  } catch {
    return undefined
  }
}

interface ZodDefinition {
  readonly type: string
  readonly coerce?: boolean
  readonly in?: { readonly _zod: { readonly def: ZodDefinition } }
}

/**
 * Zod reports for `coerce`, `catch` and `preprocess` the type of the result instead of that of the input, which is any.
 */
function simplify(at: { zodSchema: { _zod: { def: ZodDefinition } }; jsonSchema: Record<string, unknown> }): void {
  const { type, coerce, in: first } = at.zodSchema._zod.def
  const takesNone = type === 'catch' || (type === 'pipe' && first?._zod.def.type === 'transform')
  if (!coerce && !takesNone) return
  for (const key of Object.keys(at.jsonSchema)) delete at.jsonSchema[key]
  if (takesNone) at.jsonSchema.default = null
}
