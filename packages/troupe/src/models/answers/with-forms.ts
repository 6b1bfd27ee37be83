/**
 * Prepares the schema of an answer for a provider. Strict mode rejects open schemas, so objects are closed. A schema that
 * cannot be strict is sent without strict mode. A schema that is not an object at the top level is described in words.
 * The answer is validated against its own schema in any case.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'

interface Form {
  readonly [keyword: string]: unknown
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Form>>
  readonly required?: readonly string[]
}

/** Returns the model with schemas that its provider accepts. */
export function withForms(model: LanguageModelV4): LanguageModelV4 {
  const { specificationVersion, provider, modelId, supportedUrls } = model
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls,
    doGenerate: (options) => model.doGenerate(withForm(provider, options)),
    doStream: (options) => model.doStream(withForm(provider, options)),
  }
}

/** @param provider the name in the AI SDK: `openai.responses` reads its options under `openai` */
function withForm(provider: string, options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const { responseFormat, providerOptions = {} } = options
  if (responseFormat?.type !== 'json' || !responseFormat.schema) return options
  const schema = responseFormat.schema as unknown as Form
  if (schema.type !== 'object') return inWords(options, schema)
  if (isStrict(schema)) return { ...options, responseFormat: { ...responseFormat, schema: closed(schema) as never } }
  const names = [provider.split('.', 1)[0] ?? provider, 'openaiCompatible']
  const loose = names.map((name) => [name, { ...providerOptions[name], strictJsonSchema: false }])
  return { ...options, providerOptions: { ...providerOptions, ...Object.fromEntries(loose) } }
}

/** No provider accepts an array, a union or a string at the top level. */
function inWords({ responseFormat: _, ...options }: LanguageModelV4CallOptions, schema: Form) {
  if (schema.type === 'string' && !('enum' in schema) && !('const' in schema)) return options
  const content = `Answer with one JSON value that fits this JSON Schema, and nothing else: ${JSON.stringify(schema)}`
  const first = options.prompt[0]
  const [system, rest] =
    first?.role === 'system' ? [`${first.content}\n\n${content}`, options.prompt.slice(1)] : [content, options.prompt]
  return { ...options, prompt: [{ ...first, role: 'system' as const, content: system }, ...rest] }
}

/** https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas, read in 2026 */
const strictKeywords = new Set([
  ...['$schema', '$id', '$ref', '$defs', 'title', 'description', 'type', 'enum', 'const', 'anyOf', 'items'],
  ...['properties', 'required', 'additionalProperties', 'pattern', 'format', 'multipleOf', 'minimum', 'maximum'],
  ...['exclusiveMinimum', 'exclusiveMaximum', 'minItems', 'maxItems'],
])
const strictFormats: readonly unknown[] = [
  ...['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'],
]

function isStrict(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  const {
    type,
    properties,
    required = [],
    additionalProperties,
    items,
    anyOf,
    $defs = {},
    format,
    ...rest
  } = schema as Form
  if (!Object.keys(rest).every((keyword) => strictKeywords.has(keyword))) return false
  if (format !== undefined && !strictFormats.includes(format)) return false
  if (!Object.values($defs as object).every(isStrict)) return false
  if (anyOf !== undefined) return (anyOf as readonly unknown[]).every(isStrict)
  const types = [type].flat()
  if (types.includes('array') && !isStrict(items)) return false
  if (types.includes('object'))
    return (
      properties !== undefined &&
      (additionalProperties === undefined || additionalProperties === false) &&
      Object.entries(properties).every(([name, inner]) => required.includes(name) && isStrict(inner))
    )
  return type !== undefined || '$ref' in rest || 'enum' in rest || 'const' in rest
}

/** Returns the schema in strict form: no object accepts additional properties. */
function closed(schema: Form): Form {
  const each = (forms: unknown) =>
    Object.fromEntries(Object.entries(forms as Record<string, Form>).map(([name, form]) => [name, closed(form)]))
  return {
    ...schema,
    ...(schema.properties ? { properties: each(schema.properties), additionalProperties: false } : {}),
    ...(schema.$defs ? { $defs: each(schema.$defs) } : {}),
    ...(schema.items ? { items: closed(schema.items as Form) } : {}),
    ...(schema.anyOf ? { anyOf: (schema.anyOf as readonly Form[]).map(closed) } : {}),
  }
}
