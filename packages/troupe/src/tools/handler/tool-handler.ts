/**
 * The built-in tools of one agent, as models call them: a caller's mistake is a result and never an exception, and
 * nobody acts under another's name.
 */

import type { ContextClient } from '../../context/index.ts'
import {
  type Clock,
  checkConstruct,
  checkFunction,
  construct,
  type Events,
  type Ids,
  listOf,
} from '../../core/index.ts'
import type { Mailbox, MessageClient } from '../../messaging/index.ts'
import type { Access, AccessSummary, AuditTrail, BuiltInTool, Incidents, TaintGuard } from '../../security/index.ts'
import { codeOf, isFailure, isRejection } from '../is-failure.ts'
import type { OwnToolHost } from './call-own-tool.ts'
import { executeToolCall, specs, type ToolCaller, type ToolResult } from './execute-tool-call.ts'
import type { ToolClients, ToolDefinition } from './tool-spec.ts'
import type { UnreadResults } from './unread-results.ts'

export interface ToolHandlerParts {
  readonly userId: string
  /** Live or staged; whose they are is who the tools act as. */
  readonly context: ContextClient
  /** Absent: the tools for messages say that they are not available. */
  readonly messages?: Pick<MessageClient, 'send' | 'broadcast'>
  readonly mailbox?: Pick<Mailbox, 'messages' | 'confirmRead' | 'total'>
  /** The same as of the hands. */
  readonly access: Access
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly incidents?: Incidents
  /** Told of changes of what the agent may do. */
  readonly audit?: Pick<AuditTrail, 'record'>
  /** The way out for users' own tools beside these. */
  readonly guard?: Pick<TaintGuard, 'fetchFor'>
  /** Where failed results are looked after that nobody reads. */
  readonly unread?: UnreadResults
}

/** Characters of a change of access in the audit log. */
const maxChangeLength = 500

export interface ToolAccessSummary extends AccessSummary {
  readonly agent: string
  readonly totalAvailable: number
  readonly totalPossible: number
}

export class ToolHandler {
  readonly #parts: ToolHandlerParts
  readonly #clients: ToolClients
  #offered = false
  #prompted = false

  private constructor(key: typeof construct, parts: ToolHandlerParts) {
    checkConstruct(key, 'ToolHandler', 'user.agent(name).tools')
    this.#parts = parts
    this.#clients = { ...parts, agent: parts.context.agent }
  }

  static [construct](parts: ToolHandlerParts): ToolHandler {
    return new ToolHandler(construct, parts)
  }

  get agent(): string {
    return this.#clients.agent
  }

  /** Those that this agent may call now. */
  definitions(): readonly ToolDefinition[] {
    this.#offered = true
    this.#warnOfRepeat()
    return (
      [...specs.values()]
        .filter(({ name }) => this.#parts.access.can(name))
        // A copy: whoever is handed it may change it, as the AI SDK does.
        .map(({ name, description, parameters }) => ({ name, description, parameters: structuredClone(parameters) }))
    )
  }

  /** Told by `buildSystemPrompt`: a prompt of this agent holds everything it can see. */
  prompted(): void {
    this.#prompted = true
    this.#warnOfRepeat()
  }

  /** The model is paid twice for the same: once for the prompt, once for what it reads with the tools. */
  #warnOfRepeat(): void {
    if (!this.#offered || !this.#prompted || !this.#parts.access.can('get_context')) return
    this.#prompted = false
    const { clock, events, userId } = this.#parts
    events.emit({ type: 'prompt.repeated', at: clock.now(), userId, agent: this.agent })
  }

  /** Of every built-in tool, whether this agent may call it or not. */
  toolNames(): readonly string[] {
    return [...specs.keys()]
  }

  accessSummary(): ToolAccessSummary {
    const summary = this.#parts.access.summary()
    return { agent: this.agent, ...summary, totalAvailable: summary.available.length, totalPossible: specs.size }
  }

  /** In effect from the next call on, for the agent's hands too. @throws ValidationError `role.unknown` */
  setRole(role: string): void {
    this.#parts.access.setRole(role)
    this.#changed(`role ${role}`)
  }
  /** @param list the whole list of tools within the role; `[]` is none, undefined is whatever the role has */
  setAllow(list: readonly string[] | undefined): void {
    this.#parts.access.setAllow(list)
    this.#changed(list ? `allow ${list.join(' ')}` : 'allow all of the role')
  }
  /** @param list wins over the role and the allowed ones */
  setDeny(list: readonly string[] | undefined): void {
    this.#parts.access.setDeny(list)
    this.#changed(`deny ${list?.join(' ') ?? ''}`)
  }
  #changed(what: string): void {
    const resource = `${this.agent}: ${what}`.trim().slice(0, maxChangeLength)
    this.#parts.audit?.record({
      user: this.#parts.userId,
      actor: 'host',
      operation: 'access.change',
      resource,
      allowed: true,
    })
  }

  /**
   * @param args as the model gave them
   * @throws what is nobody's mistake: the step was cancelled, parked or lost
   * @example await support.tools.call('get_context', { key: 'orders.17.status' })
   */
  async call(name: string, args: unknown = {}): Promise<ToolResult> {
    return this.callAmong(() => this.#parts.access.summary().available, name, args)
  }

  /** The same where other tools stand beside these: a failure names those that are `available` in all. */
  async callAmong(available: () => readonly string[], name: string, args: unknown): Promise<ToolResult> {
    checkFunction('The available tools of callAmong', available)
    const { access, incidents, userId } = this.#parts
    const { agent } = this
    const caller: ToolCaller = {
      clients: this.#clients,
      available: () => listOf('The available tools of callAmong', available()),
      role: access.role,
      authorize: (tool) => this.#authorize(tool),
      impersonated: (action) => incidents?.record(userId, { agent, action, code: 'agent.mismatch' }),
    }
    const spec = specs.get(name)
    return this.observe(spec?.name ?? 'unknown', () => executeToolCall(caller, name, args), spec?.security === true)
  }

  /**
   * Carries out a call and tells of it, as of every call of these tools; for users' own tools that stand beside them.
   * @param security whether it changes what others can see or do
   */
  async observe<R>(tool: string, run: () => Promise<R>, security = false): Promise<R> {
    checkFunction('The call of a tool that is observed', run)
    const { clock, events, unread, userId } = this.#parts
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

  /** Who calls users' own tools that stand beside these. */
  get host(): OwnToolHost {
    const { userId, clock, ids, guard } = this.#parts
    return { userId, clock, ids, guard, agent: this.agent }
  }

  /** Of a user's own tool that stands beside these: `deny` holds for it too. */
  denies(tool: string): boolean {
    return this.#parts.access.denies(tool)
  }

  #authorize(tool: BuiltInTool): void {
    try {
      this.#parts.access.require(this.agent, tool)
    } catch (error) {
      this.#parts.incidents?.rejected(this.#parts.userId, this.agent, tool, error)
      throw error
    }
  }
}
