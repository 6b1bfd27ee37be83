/** The specification of a built-in tool: its definition for models, its arguments and its function. */

import { z } from 'zod'
import type { ContextClient } from '../../context/index.ts'
import { type Ids, type Json, lazy } from '../../core/index.ts'
import type { Mailbox, MessageClient } from '../../messaging/index.ts'
import type { BuiltInTool } from '../../security/index.ts'

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json }

/** The clients of one agent, with which a tool acts. */
export interface ToolClients {
  readonly agent: string
  readonly context: ContextClient
  /** Absent, the tools for messages report that they are not available. */
  readonly messages?: Pick<MessageClient, 'send' | 'broadcast'>
  readonly mailbox?: Pick<Mailbox, 'messages' | 'confirmRead' | 'total'>
  readonly ids: Ids
}

/** A built-in tool as models see it. */
export interface ToolDefinition {
  /** The name of the tool. */
  readonly name: BuiltInTool
  /** The description, which models read. */
  readonly description: string
  /**
   * The JSON Schema of the arguments in strict form: every property is required, optional ones are nullable, and no
   * other property is allowed.
   */
  readonly parameters: JsonObject
}

export interface ToolSpec extends ToolDefinition {
  readonly arguments: z.ZodType
  /** True if it changes what other agents can see or do. */
  readonly security: boolean
  run(clients: ToolClients, args: unknown): Promise<JsonObject>
}

export function toolSpec<Shape extends z.ZodRawShape>(spec: {
  readonly name: BuiltInTool
  readonly description: string
  readonly security?: boolean
  readonly arguments: Shape
  readonly run: (clients: ToolClients, args: z.output<z.ZodObject<Shape>>) => Promise<JsonObject>
}): ToolSpec {
  const schema = z.strictObject(spec.arguments)
  const parameters = lazy(
    () => strict(z.toJSONSchema(schema, { io: 'input', override: overrideForModel })) as JsonObject,
  )
  return {
    name: spec.name,
    description: spec.description,
    arguments: schema,
    security: spec.security ?? false,
    get parameters() {
      return parameters()
    },
    run: (clients, args) => spec.run(clients, args as z.output<z.ZodObject<Shape>>),
  }
}

/** A schema can have another form for models than for programs: `.meta({ modelSchema: { … } })`. */
function overrideForModel({
  zodSchema,
  jsonSchema,
}: {
  readonly zodSchema: unknown
  readonly jsonSchema: Record<string, unknown>
}): void {
  const meta = (zodSchema as z.ZodType).meta?.() as { readonly modelSchema?: Record<string, unknown> } | undefined
  if (!meta?.modelSchema) return
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
  Object.assign(jsonSchema, meta.modelSchema)
}

/** Converts a schema to the strict form of providers: only keywords of the structure, and every property required. */
function strict(schema: unknown): Json {
  if (Array.isArray(schema)) return schema.map(strict)
  if (schema === null || typeof schema !== 'object') return schema as Json
  const formalSchema: Record<string, Json> = {}
  for (const [key, value] of Object.entries(schema))
    if (key === 'properties')
      formalSchema[key] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, strict(inner)]))
    else if (formal.has(key)) formalSchema[key] = key === 'enum' || key === 'required' ? (value as Json) : strict(value)
  if (formalSchema.type === 'object') {
    formalSchema.required = Object.keys((formalSchema.properties ?? {}) as JsonObject)
    formalSchema.additionalProperties = false
  }
  return formalSchema
}
/** Returns true if a schema of the application follows the rules of strict mode. `$schema` is ignored. */
export function isStrict({ $schema: _, ...schema }: JsonObject): boolean {
  return schema.type === 'object' && !('anyOf' in schema) && hasStrictRules(schema)
}
function hasStrictRules(schema: Json | undefined): boolean {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) return false
  const { type, anyOf, properties = {}, required = [], additionalProperties, items } = schema as StrictParts
  if (!Object.keys(schema).every((keyword) => formal.has(keyword) || keyword === 'properties')) return false
  if (anyOf) return anyOf.every(hasStrictRules)
  const types = [type].flat()
  if (types.includes('array') && !hasStrictRules(items)) return false
  if (!types.includes('object')) return types[0] !== undefined || 'enum' in schema || 'const' in schema
  const names = Object.keys(properties)
  const complete = names.length === required.length && names.every((name) => required.includes(name))
  return additionalProperties === false && complete && Object.values(properties).every(hasStrictRules)
}
interface StrictParts {
  readonly type?: string | readonly string[]
  readonly anyOf?: readonly Json[]
  readonly properties?: JsonObject
  readonly required?: readonly string[]
  readonly additionalProperties?: Json
  readonly items?: Json
}
const formal = new Set(['type', 'description', 'enum', 'const', 'items', 'anyOf', 'required', 'additionalProperties'])

/** An argument that may be absent or null, which is the same. */
export const optionalArgument = <T extends z.ZodType>(schema: T, description: string) =>
  schema.nullish().describe(description)

/** A century in seconds, the unit that models write; a longer time is a mistake. */
const longest = 100 * 365 * 86_400
export const seconds = (description: string) => optionalArgument(z.number().positive().max(longest), description)

/** Returns the fields without undefined ones, because a result is plain JSON. */
export function plain(fields: { readonly [key: string]: unknown }): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject
}
export const orUndefined = <T>(value: T | null | undefined): T | undefined => value ?? undefined
