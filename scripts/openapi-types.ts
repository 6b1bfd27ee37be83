/** TypeScript from an OpenAPI document: one interface for each component, and what each operation takes and answers. */

export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly pattern?: string
  readonly description?: string
}
interface Content {
  readonly schema?: JsonSchema
}
interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: JsonSchema
  }[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>
}
export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const header = '// Written by scripts/openapi.ts from the OpenAPI document of the server.\n'

/** In a request, what may be left out may be undefined too. */
type Side = 'request' | 'answer'

function typeOf(schema: JsonSchema, side: Side): string {
  const { $ref, type, anyOf, oneOf, items, properties, additionalProperties } = schema
  if ($ref !== undefined) return `ClientSchemas['${$ref.replace('#/components/schemas/', '')}']`
  const forms = anyOf ?? oneOf
  if (forms) return union(forms.map((form) => typeOf(form, side)))
  if ('const' in schema) return literal(schema.const)
  if (schema.enum) return union(schema.enum.map(literal))
  if (Array.isArray(type)) return union(type.map((one) => typeOf({ ...schema, type: one }, side)))
  if (type === 'array') return `readonly (${items ? typeOf(items, side) : 'unknown'})[]`
  if (type === 'object' || properties) return objectType(schema, properties ?? {}, additionalProperties, side)
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'string') return numberIn(schema) ?? 'string'
  if (type === 'boolean' || type === 'null') return type
  return 'unknown'
}

function objectType(
  { required = [] }: JsonSchema,
  properties: Readonly<Record<string, JsonSchema>>,
  rest: JsonSchema['additionalProperties'],
  side: Side,
): string {
  const fields = Object.entries(properties).map(([name, schema]) =>
    field(name, typeOf(schema, side), required.includes(name) || (side === 'request' && isAny(schema)), side),
  )
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  if (rest === false) return 'Readonly<Record<string, never>>'
  return `{ readonly [name: string]: ${typeof rest === 'object' ? typeOf(rest, side) : 'unknown'} }`
}

const isAny = (schema: JsonSchema): boolean => Object.keys(schema).every((key) => key === 'description')

/** A value that is any JSON may be left out too, where the document does not require it. */
function field(name: string, type: string, isRequired: boolean, side: Side): string {
  const key = /^\w+$/.test(name) ? name : literal(name)
  if (type === 'unknown') return `readonly ${key}${isRequired && side === 'answer' ? '' : '?'}: unknown`
  return isRequired
    ? `readonly ${key}: ${type}`
    : `readonly ${key}?: ${type}${side === 'request' ? ' | undefined' : ''}`
}

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll(/[\\']/g, '\\$&')}'` : JSON.stringify(value)
const union = (types: readonly string[]): string => [...new Set(types)].join(' | ')

/** A number in a query is text of digits. */
const numberIn = ({ pattern }: JsonSchema): string | undefined =>
  pattern?.startsWith('^\\d{1,') ? 'number' : undefined

function operationType({ parameters = [], requestBody, responses }: Operation): string {
  const parametersOf = (kind: string) => {
    const fields = parameters
      .filter((parameter) => parameter.in === kind)
      .map(({ name, required = false, schema }) => field(name, typeOf(schema, 'request'), required, 'request'))
    return fields.length === 0 ? [] : [`readonly ${kind}: { ${fields.join('; ')} }`]
  }
  const [body] = Object.values(requestBody?.content ?? {})
  const bodies = body?.schema ? [`readonly body: ${typeOf(body.schema, 'request')}`] : []
  const answers = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    status === '204' ? [] : Object.entries(content).filter(([type]) => type !== 'application/problem+json'),
  )
  const [[type] = []] = answers
  const answerField = type === 'text/event-stream' ? 'event' : type === 'application/json' ? 'answer' : 'text'
  const types = answers.map(([, { schema }]) => (schema ? typeOf(schema, 'answer') : 'unknown'))
  const answer = `readonly ${answerField}: ${union(types)}`
  return `{ ${[...parametersOf('path'), ...parametersOf('query'), ...bodies, answer].join('; ')} }`
}

const operationsOf = ({ paths }: OpenApiDocument) =>
  Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    )
    .filter(({ method }) => method !== 'HEAD')
    .toSorted((a, b) => (a.operation.operationId < b.operation.operationId ? -1 : 1))

/** The text of `schema.ts`: types alone. */
export function renderSchema(document: OpenApiDocument): string {
  const components = Object.entries(document.components.schemas).map(
    ([name, schema]) => `  readonly ${name}: ${typeOf(schema, 'answer')}\n`,
  )
  const operations = operationsOf(document).map(
    ({ operation }) =>
      `  /** ${operation.summary} */\n  readonly '${operation.operationId}': ${operationType(operation)}\n`,
  )
  return `${header}/** The shapes that several operations share, by name. */\nexport interface ClientSchemas {\n${components.join('')}}\n\n/** What each operation takes and answers, by name. */\nexport interface ClientOperations {\n${operations.join('')}}\n`
}

/** The text of `operations.ts`: method and path of each operation. */
export function renderOperations(document: OpenApiDocument): string {
  const rows = operationsOf(document).map(
    ({ path, method, operation }) => `  '${operation.operationId}': '${method} ${path}',\n`,
  )
  return `${header}export const operationPaths = {\n${rows.join('')}} as const\n`
}
