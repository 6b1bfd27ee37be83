/**
 * `ToolHandler` of the guides. A handler with a name acts as that agent. A handler without a name is for trusted code and not
 * for a model: each call names the agent as which it acts.
 */
import {
  catalogue,
  checkFunction,
  checkName,
  checkOptions,
  checkText,
  type ErrorCode,
  fieldOf,
  invalidInput,
  isObject,
  type Json,
  readable,
  show,
  TroupeError,
} from '../../core/index.ts'
import { Access, type AccessOptions, type BuiltInTool, builtInToolNames } from '../../security/index.ts'
import type { AgentHandle, User } from '../../startup/index.ts'
import type { ToolDefinition } from '../../tools/index.ts'
import { createIntegration, type Framework, frameworkOf, handlerFor, type Integration, toolsFor } from './frameworks.ts'
import { type CustomRoles, rightsOf } from './rights.ts'
import { type ContextMesh, checkMesh } from './syntha-context-mesh.ts'
import { callSynthaTool, failedToolResult, type SynthaHandler } from './syntha-handler.ts'
import { type SynthaResult, withAliases } from './syntha-result.ts'
import type { RawArguments } from './tool-arguments.ts'
import {
  create_hybrid_tool_handler,
  type HybridHandler,
  type UserHandler,
  type UserSchema,
  withSchemas,
} from './tool-schemas.ts'
import { unsupported } from './unsupported.ts'

export interface ToolHandlerOptions {
  /** The complete list of tools; `[]` for none. */
  readonly allowed_tools?: readonly string[]
  readonly denied_tools?: readonly string[]
  readonly agent_role?: string
  /** Lists of tools by the name of a role, in addition to the four built-in roles. */
  readonly role_based_access?: CustomRoles
  /** Accepted as true only: Troupe emits an event for every call. */
  readonly enable_logging?: boolean
  /** True if a failed call throws, as the first guide expects for a missing key. By default the failure is a result. */
  readonly raise_errors?: boolean
}

const known = [
  'allowed_tools',
  'denied_tools',
  'agent_role',
  'role_based_access',
  'enable_logging',
  'raise_errors',
] as const

export class ToolHandler implements SynthaHandler {
  readonly #user: () => Promise<User>
  readonly #handles = new Map<string, AgentHandle>()
  readonly #custom: CustomRoles
  readonly #raises: boolean
  #agent: string | undefined
  #role: string | undefined
  #allowed: readonly string[] | undefined
  #denied: readonly string[]

  /** @throws ValidationError for an unknown option or role */
  constructor(mesh: ContextMesh | User, agent_name?: string, options: ToolHandlerOptions = {}) {
    checkOptions('ToolHandler', options, known)
    if (options.enable_logging === false)
      throw unsupported('enable_logging: false', 'every call is an event, which costs nothing without a listener')
    checkMesh('The argument of ToolHandler', mesh)
    if (!readable('The argument of ToolHandler', () => 'open' in mesh))
      checkFunction('user.agent of ToolHandler', fieldOf(mesh, 'agent'))
    this.#user = readable('The argument of ToolHandler', () => ('open' in mesh ? () => mesh.open() : async () => mesh))
    this.#agent = agent_name === undefined ? undefined : checkName('agent', agent_name)
    this.#raises = options.raise_errors === true
    this.#custom = options.role_based_access ?? {}
    this.#role = options.agent_role
    this.#allowed = options.allowed_tools
    this.#denied = options.denied_tools ?? []
    this.#rights()
  }

  get agent_name(): string | undefined {
    return this.#agent
  }

  /** @param rawArguments the keyword arguments of the guide's call */
  async handle_tool_call(tool_name: string, rawArguments: RawArguments = {}): Promise<SynthaResult> {
    // A wrong name or wrong arguments are mistakes of a model, so they become results.
    const tool = show(tool_name)
    const isFields = isObject(rawArguments)
    const fields = isFields ? readable('The arguments of handle_tool_call', () => ({ ...rawArguments })) : {}
    const handle = await this.#handleOf(tool, fields)
    const result =
      handle instanceof TroupeError
        ? withAliases(tool, fields as Readonly<Record<string, Json>>, failedToolResult(handle))
        : await callSynthaTool(handle.tools, tool, isFields ? fields : rawArguments)
    if (result.success || !this.#raises) return result
    const code = String(result.code)
    const { class: Failure } = Object.hasOwn(catalogue, code) ? catalogue[code as ErrorCode] : { class: TroupeError }
    throw new Failure(String(result.error), { code, details: result as Json })
  }

  /** Returns the handle of the agent that the call names, for a handler without a name. */
  async #handleOf(tool: string, rawArguments: RawArguments): Promise<AgentHandle | TroupeError> {
    const { agent_name, from_agent } = rawArguments
    const sender = tool.endsWith('get_messages_from_agents') ? undefined : from_agent
    const name = this.#agent ?? agent_name ?? sender
    if (typeof name !== 'string') return invalidInput('agent_name', 'Agent name not set')
    const ready = this.#handles.get(name)
    if (ready) return ready
    try {
      const handle = (await this.#user()).agent(name, this.#rights())
      this.#handles.set(name, handle)
      return handle
    } catch (error) {
      if (error instanceof TroupeError && error.status === 400) return error
      throw error
    }
  }

  #rights(): AccessOptions {
    return rightsOf(this.#role, this.#custom, { allow: this.#allowed, deny: this.#denied })
  }
  #change(change: () => void): void {
    const before = [this.#role, this.#allowed, this.#denied] as const
    change()
    try {
      this.#rights()
    } catch (error) {
      ;[this.#role, this.#allowed, this.#denied] = before
      throw error
    }
    this.#handles.clear()
  }

  /** Sets the agent. @throws ValidationError for an invalid name */
  set_agent_name(agent_name: string): void {
    this.#agent = checkName('agent', agent_name)
  }
  /** @throws ValidationError `role.unknown`: an unknown role grants nothing here, and not everything */
  set_agent_role(role: string): void {
    checkText('set_agent_role', role)
    this.#change(() => {
      this.#role = role
    })
  }
  set_allowed_tools(tools: readonly string[] | undefined): void {
    this.#change(() => {
      this.#allowed = tools
    })
  }
  set_denied_tools(tools: readonly string[]): void {
    this.#change(() => {
      this.#denied = tools
    })
  }
  add_allowed_tool(tool: string): void {
    this.set_allowed_tools([...(this.#allowed ?? []), tool])
  }
  remove_allowed_tool(tool: string): void {
    this.set_allowed_tools((this.#allowed ?? builtInToolNames).filter((one) => one !== tool))
  }
  add_denied_tool(tool: string): void {
    this.set_denied_tools([...this.#denied, tool])
  }
  remove_denied_tool(tool: string): void {
    this.set_denied_tools(this.#denied.filter((one) => one !== tool))
  }

  get_available_tools(): readonly string[] {
    return new Access(this.#rights()).summary().available
  }
  has_tool_access(tool: string): boolean {
    return (builtInToolNames as readonly string[]).includes(tool) && new Access(this.#rights()).can(tool as BuiltInTool)
  }
  get_access_summary() {
    const available_tools = this.get_available_tools()
    return {
      agent_name: this.#agent,
      agent_role: this.#role ?? 'contributor',
      available_tools,
      denied_tools: this.#denied,
      allowed_tools: this.#allowed ?? ('all' as const),
      total_available: available_tools.length,
      total_possible: builtInToolNames.length,
    }
  }

  /** @throws ValidationError for a handler of the host: a model must not choose who it is */
  async bound(): Promise<AgentHandle> {
    if (this.#agent === undefined) throw invalidInput('The handler', 'it is bound to no agent: give it a name')
    const handle = await this.#handleOf('', {})
    if (handle instanceof TroupeError) throw handle
    return handle
  }
  async get_syntha_schemas_only(): Promise<readonly ToolDefinition[]> {
    return (await this.bound()).tools.definitions()
  }
  /** Returns the schemas. A built-in tool with the name of a tool in `merge_with` is renamed to `syntha_…`. */
  async get_schemas(merge_with: readonly UserSchema[] = []) {
    return withSchemas(await this.get_syntha_schemas_only(), merge_with)
  }
  /** @param user_tools names that are the user's, where they clash with ours */
  create_hybrid_handler(user_handler: UserHandler, user_tools: readonly string[] = []): HybridHandler {
    return create_hybrid_tool_handler(this, user_handler, user_tools)
  }

  async get_openai_functions() {
    return toolsFor('openai', await this.bound())
  }
  async get_anthropic_tools() {
    return toolsFor('anthropic', await this.bound())
  }
  async get_langchain_tools() {
    return toolsFor('langchain', await this.bound())
  }
  async get_langgraph_tools() {
    return toolsFor('langgraph', await this.bound())
  }
  async get_tools_for_framework(framework: string) {
    return toolsFor(frameworkOf(framework), await this.bound())
  }
  async get_framework_handler(framework: string) {
    frameworkOf(framework)
    return handlerFor(await this.bound())
  }
  async create_framework_integration(framework: string, existing_tools: readonly unknown[] = []): Promise<Integration> {
    return createIntegration(frameworkOf(framework), await this.bound(), existing_tools)
  }
  get_supported_frameworks(): readonly Framework[] {
    return ['openai', 'anthropic', 'ai-sdk', 'langchain', 'langgraph']
  }
  validate_framework(framework: string): boolean {
    return (this.get_supported_frameworks() as readonly string[]).includes(
      checkText('validate_framework', framework).toLowerCase(),
    )
  }
}
