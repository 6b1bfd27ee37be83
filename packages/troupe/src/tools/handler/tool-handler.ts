/**
 * The built-in tools of one agent, as models call them. The mistake of a caller is a result and never an exception, and
 * a caller cannot act as another agent.
 */

import { checkConstruct, checkFunction, construct, listOf, type Platform, truncateText } from '../../core/index.ts'
import type { Access, AccessSummary, AuditTrail, BuiltInTool, Incidents, TaintGuard } from '../../security/index.ts'
import { codeOf, isFailure, isRejection } from '../is-failure.ts'
import type { OwnToolHost } from './call-own-tool.ts'
import { executeToolCall, specs, type ToolCaller, type ToolResult } from './execute-tool-call.ts'
import type { ToolClients, ToolDefinition } from './tool-spec.ts'
import type { UnreadResults } from './unread-results.ts'

export interface ToolHandlerParts {
  readonly userId: string
  /** The tools act as the agent of the context client, which is live or staged. */
  readonly clients: Omit<ToolClients, 'agent' | 'ids'>
  /** The rights, shared with the clients. */
  readonly access: Access
  readonly platform: Pick<Platform, 'clock' | 'ids' | 'events'>
  readonly security: {
    readonly incidents: Incidents
    /** Records changes of the rights. */
    readonly audit?: Pick<AuditTrail, 'record'>
    /** The egress rules for tools of the application. */
    readonly guard?: Pick<TaintGuard, 'fetchFor'>
  }
  /** Watches for failed results that the application does not read. */
  readonly unread?: UnreadResults
}

/** The highest number of characters of a change of rights in the audit log. */
const maxChangeLength = 500

/** The rights of an agent, with the number of its tools. */
export interface ToolAccessSummary extends AccessSummary {
  /** The name of the agent. */
  readonly agent: string
  /** The number of built-in tools that the agent may call. */
  readonly totalAvailable: number
  /** The number of all built-in tools. */
  readonly totalPossible: number
}

/**
 * The built-in tools of one agent, as models call them. The mistake of a caller is a result and not an exception.
 * `user.agent(name).tools` returns it.
 */
export class ToolHandler {
  readonly #parts: ToolHandlerParts
  readonly #clients: ToolClients
  #offered = false
  #prompted = false

  private constructor(key: typeof construct, parts: ToolHandlerParts) {
    checkConstruct(key, 'ToolHandler', 'user.agent(name).tools')
    this.#parts = parts
    const { clients, platform } = parts
    this.#clients = { ...clients, ids: platform.ids, agent: clients.context.agent }
  }

  static [construct](parts: ToolHandlerParts): ToolHandler {
    return new ToolHandler(construct, parts)
  }

  /** The name of the agent that acts. */
  get agent(): string {
    return this.#clients.agent
  }

  /** Returns the tools that this agent may call now. The schemas are copies, which the caller may change. */
  definitions(): readonly ToolDefinition[] {
    this.#offered = true
    this.#warnOfRepeat()
    return (
      [...specs.values()]
        .filter(({ name }) => this.#parts.access.can(name))
        // The caller may change the schema, as the AI SDK does.
        .map(({ name, description, parameters }) => ({ name, description, parameters: structuredClone(parameters) }))
    )
  }

  /** Called by `buildSystemPrompt` when a prompt of this agent holds all visible entries. */
  prompted(): void {
    this.#prompted = true
    this.#warnOfRepeat()
  }

  /** Emits `prompt.repeated`: the model reads the entries twice, in the prompt and with the tools. */
  #warnOfRepeat(): void {
    if (!this.#offered || !this.#prompted || !this.#parts.access.can('get_context')) return
    this.#prompted = false
    const { platform, userId } = this.#parts
    const { clock, events } = platform
    events.emit({ type: 'prompt.repeated', at: clock.now(), userId, agent: this.agent })
  }

  /** Returns the names of all built-in tools, those that this agent may not call included. */
  toolNames(): readonly string[] {
    return [...specs.keys()]
  }

  /** Returns the role of the agent and its available and denied tools. */
  accessSummary(): ToolAccessSummary {
    const summary = this.#parts.access.summary()
    return { agent: this.agent, ...summary, totalAvailable: summary.available.length, totalPossible: specs.size }
  }

  /**
   * Changes the role from the next call on, for the clients of the agent too. The change is recorded in the audit log.
   * @throws ValidationError `role.unknown`
   */
  setRole(role: string): void {
    this.#parts.access.setRole(role)
    this.#changed(`role ${role}`)
  }
  /**
   * Sets the tools of the role that the agent may call; `[]` for none, undefined for all tools of the role.
   * @throws ValidationError for a misspelled name of a built-in tool
   */
  setAllow(list: readonly string[] | undefined): void {
    this.#parts.access.setAllow(list)
    this.#changed(list ? `allow ${list.join(' ')}` : 'allow all of the role')
  }
  /**
   * Sets the tools that the agent may not call, regardless of its role and its allowed tools.
   * @throws ValidationError for a misspelled name of a built-in tool
   */
  setDeny(list: readonly string[] | undefined): void {
    this.#parts.access.setDeny(list)
    this.#changed(`deny ${list?.join(' ') ?? ''}`)
  }
  #changed(what: string): void {
    const resource = truncateText(`${this.agent}: ${what}`.trim(), maxChangeLength)
    this.#parts.security.audit?.record({
      user: this.#parts.userId,
      actor: 'host',
      operation: 'access.change',
      resource,
      allowed: true,
    })
  }

  /**
   * Calls a built-in tool. A mistake of the caller, such as an unknown tool or a denied one, is a result.
   * @param args the arguments as the model sent them
   * @throws CancelledError or LeaseLostError if the step was cancelled or lost
   * @example await support.tools.call('get_context', { key: 'orders.17.status' })
   */
  async call(name: string, args: unknown = {}): Promise<ToolResult> {
    return this.callAmong(() => this.#parts.access.summary().available, name, args)
  }

  /**
   * As `call`; the result of a failed call lists the names that `available` returns. For handlers that offer other
   * tools too.
   */
  async callAmong(available: () => readonly string[], name: string, args: unknown): Promise<ToolResult> {
    checkFunction('The available tools of callAmong', available)
    const { access, security, userId } = this.#parts
    const { agent } = this
    const caller: ToolCaller = {
      clients: this.#clients,
      available: () => listOf('The available tools of callAmong', available()),
      role: access.role,
      authorize: (tool) => this.#authorize(tool),
      impersonated: (action) => security.incidents.record(userId, { agent, action, code: 'agent.mismatch' }),
    }
    const spec = specs.get(name)
    return this.observe(spec?.name ?? 'unknown', () => executeToolCall(caller, name, args), spec?.security === true)
  }

  /**
   * Executes a function as a call of a tool, and emits `tool.called` for it. For tools of the application.
   * @param security true if the call changes what other agents can see or do
   */
  async observe<R>(tool: string, run: () => Promise<R>, security = false): Promise<R> {
    checkFunction('The call of a tool that is observed', run)
    const { platform, unread, userId } = this.#parts
    const { clock, events } = platform
    const began = clock.monotonic()
    const result = await run()
    const failed = isFailure(result) ? { code: codeOf(result) } : {}
    events.emit({
      type: 'tool.called',
      at: clock.now(),
      userId,
      tool,
      agent: this.agent,
      success: !isFailure(result),
      durationMs: clock.monotonic() - began,
      security: security || isRejection(failed.code),
      ...failed,
    })
    if (!isFailure(result) || !unread) return result
    return unread.watch(result, { userId, agent: this.agent, tool, code: codeOf(result) })
  }

  /** The agent and the services with which tools of the application are called. */
  get host(): OwnToolHost {
    const { userId, platform, security } = this.#parts
    const { clock, ids } = platform
    return { userId, clock, ids, guard: security.guard, agent: this.agent }
  }

  /** Returns true if the tool is denied to this agent. It applies to tools of the application too. */
  denies(tool: string): boolean {
    return this.#parts.access.denies(tool)
  }

  #authorize(tool: BuiltInTool): void {
    try {
      this.#parts.access.require(this.agent, tool)
    } catch (error) {
      this.#parts.security.incidents.rejected(this.#parts.userId, this.agent, tool, error)
      throw error
    }
  }
}
