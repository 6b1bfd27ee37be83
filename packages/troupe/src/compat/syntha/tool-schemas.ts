/** Combines the schemas and the handlers of built-in tools with those of a user's tools. */
import { checkFunction, checkOptions, fieldOf, listOf, objectOf, show } from '../../core/index.ts'
import { builtInToolNames } from '../../security/index.ts'
import type { ToolDefinition } from '../../tools/index.ts'
import type { SynthaHandler } from './syntha-handler.ts'
import type { RawArguments } from './tool-arguments.ts'

/** `{ name, … }`, or OpenAI's `{ type: 'function', function: { name, … } }`. */
export type UserSchema = { readonly name?: string; readonly function?: { readonly name: string } } & {
  readonly [field: string]: unknown
}
export type UserHandler = (tool_name: string, rawArguments: RawArguments) => unknown
export type HybridHandler = (tool_name: string, rawArguments?: RawArguments) => Promise<unknown>

const nameOf = (schema: UserSchema): string | undefined => {
  const name = fieldOf(schema.function, 'name') ?? schema.name
  return typeof name === 'string' ? name : undefined
}

function checkSchemas(what: string, schemas: readonly unknown[]): void {
  for (const schema of listOf(what, schemas, 10_000)) objectOf(`A schema of ${what}`, schema as never)
}

export function withSchemas(ours: readonly ToolDefinition[], theirs: readonly UserSchema[]) {
  checkSchemas('merge_with', theirs)
  const usedNames = new Set(theirs.map(nameOf))
  const shown = ours.map(({ name, description, parameters }) =>
    usedNames.has(name)
      ? { name: `syntha_${name}`, description: `[Syntha] ${description}`, parameters }
      : { name, description, parameters },
  )
  return [...shown, ...theirs]
}

/** @param user_tools names that are the user's, where they clash with ours */
export function create_hybrid_tool_handler(
  handler: SynthaHandler,
  user_handler: UserHandler,
  user_tools: readonly string[] = [],
): HybridHandler {
  checkFunction('handle_tool_call of create_hybrid_tool_handler', fieldOf(handler, 'handle_tool_call'))
  checkFunction('The handler of the user', user_handler)
  listOf('user_tools', user_tools)
  return async (tool_name, rawArguments = {}) =>
    !user_tools.includes(tool_name) && (ours.has(tool_name) || show(tool_name).startsWith('syntha_'))
      ? handler.handle_tool_call(tool_name, rawArguments)
      : user_handler(tool_name, rawArguments)
}
const ours: ReadonlySet<string> = new Set(builtInToolNames)

export const get_all_tool_schemas = (handler: {
  get_syntha_schemas_only(): Promise<readonly ToolDefinition[]>
}): Promise<readonly ToolDefinition[]> => {
  checkFunction('get_syntha_schemas_only of a handler', fieldOf(handler, 'get_syntha_schemas_only'))
  return handler.get_syntha_schemas_only()
}

/**
 * @param handle_conflicts `prefix`: a clashing tool of the user's is called `user_…`; `skip`: it is left out; `warn`:
 * both stay as they are
 */
export function merge_tool_schemas(
  syntha_schemas: readonly ToolDefinition[],
  user_schemas: readonly UserSchema[],
  options: { readonly handle_conflicts?: 'warn' | 'skip' | 'prefix' } = {},
): readonly { readonly [field: string]: unknown }[] {
  checkOptions('merge_tool_schemas', options, ['handle_conflicts'])
  checkSchemas('syntha_schemas', syntha_schemas)
  checkSchemas('user_schemas', user_schemas)
  const usedNames: ReadonlySet<string | undefined> = new Set(syntha_schemas.map(({ name }) => name))
  const { handle_conflicts = 'warn' } = options
  const accepted = user_schemas.flatMap((schema): readonly UserSchema[] => {
    if (!usedNames.has(nameOf(schema)) || handle_conflicts === 'warn') return [schema]
    return handle_conflicts === 'skip' ? [] : [renamed(schema)]
  })
  return [...syntha_schemas.map((schema) => ({ ...schema })), ...accepted]
}

function renamed(schema: UserSchema): UserSchema {
  const name = `user_${nameOf(schema)}`
  return schema.function ? { ...schema, function: { ...schema.function, name } } : { ...schema, name }
}
