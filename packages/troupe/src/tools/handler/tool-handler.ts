/**
 * The built-in tools of one agent, as models call them: a caller's mistake is a result and never an exception, and
 * nobody acts under another's name.
 */

import type { ContextHands } from '../../context/index.ts'
import {
  CancelledError,
  type Clock,
  type Events,
  failure,
  type Ids,
  type Json,
  LeaseLostError,
  nearest,
  TroupeError,
} from '../../core/index.ts'
import type { MailboxHands, MessageHands } from '../../messaging/index.ts'
import type { Access, AccessSummary, BuiltInTool, Incidents } from '../../security/index.ts'
import { contextTools } from './context-tools.ts'
import { messageTools } from './message-tools.ts'
import { similarKeys } from './similar-keys.ts'
import type { JsonObject, ToolDefinition, ToolHands, ToolSpec } from './tool-spec.ts'
import { topicTools } from './topic-tools.ts'

export interface ToolHandlerParts {
  readonly userId: string
  /** Live or staged; whose they are is who the tools act as. */
  readonly context: ContextHands
  /** Absent: the tools for messages say that they are not available. */
  readonly messages?: Pick<MessageHands, 'send' | 'broadcast'>
  readonly mailbox?: Pick<MailboxHands, 'messages' | 'markRead' | 'total'>
  /** The same as of the hands. */
  readonly access: Access
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly incidents?: Incidents
}

/** `success: false` comes with `error`, a sentence, and `code`. */
export type ToolResult = { readonly success: boolean } & JsonObject

export interface ToolAccessSummary extends AccessSummary {
  readonly agent: string
  readonly totalAvailable: number
  readonly totalPossible: number
}

const order = [...contextTools, ...topicTools, ...messageTools]
const specs = new Map<string, ToolSpec>(order.map((spec) => [spec.name, spec]))

export class ToolHandler {
  readonly #parts: ToolHandlerParts
  readonly #hands: ToolHands

  constructor(parts: ToolHandlerParts) {
    this.#parts = parts
    this.#hands = { ...parts, agent: parts.context.agent }
  }

  get agent(): string {
    return this.#hands.agent
  }

  /** Those that this agent may call now. */
  definitions(): readonly ToolDefinition[] {
    return order
      .filter(({ name }) => this.#parts.access.can(name))
      .map(({ name, description, parameters }) => ({ name, description, parameters }))
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
  }
  /** @param list the whole list of tools within the role; `[]` is none, undefined is whatever the role has */
  setAllow(list: readonly string[] | undefined): void {
    this.#parts.access.setAllow(list)
  }
  /** @param list wins over the role and the allowed ones */
  setDeny(list: readonly string[] | undefined): void {
    this.#parts.access.setDeny(list)
  }

  /**
   * @param args as the model gave them
   * @throws what is nobody's mistake: the step was cancelled, parked or lost
   * @example await support.tools.call('get_context', { key: 'orders.17.status' })
   */
  async call(name: string, args: unknown = {}): Promise<ToolResult> {
    const { clock, events, userId } = this.#parts
    const began = clock.monotonic()
    const result = await this.#result(name, args)
    events.emit({
      type: 'tool.called',
      at: clock.now(),
      userId,
      tool: specs.has(name) ? name : 'unknown',
      agent: this.agent,
      success: result.success,
      durationMs: clock.monotonic() - began,
      ...(result.success ? {} : { code: String(result.code) }),
    })
    return result
  }

  async #result(name: string, args: unknown): Promise<ToolResult> {
    try {
      const spec = specs.get(name)
      if (!spec)
        throw failure('tool.unknown', {
          tool: String(name),
          nearest: nearest(String(name), specs.keys()) ?? this.#available().join(', '),
        })
      this.#authorize(spec.name)
      const result = await spec.run(this.#hands, this.#arguments(spec, args))
      return { success: true, ...result }
    } catch (error) {
      if (!(error instanceof TroupeError) || error instanceof CancelledError || error instanceof LeaseLostError)
        throw error
      return this.#failed(name, args, error)
    }
  }

  #available(): readonly string[] {
    return this.#parts.access.summary().available
  }

  #authorize(tool: BuiltInTool): void {
    try {
      this.#parts.access.require(this.agent, tool)
    } catch (error) {
      this.#parts.incidents?.refused(this.#parts.userId, this.agent, tool, error)
      throw error
    }
  }

  /** Whoever is named as acting must be the agent itself; the name is then of no further use. */
  #arguments(spec: ToolSpec, args: unknown): unknown {
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      throw failure('tool.arguments', {
        tool: spec.name,
        problem: 'they are an object with the names of the parameters',
      })
    const own = { ...(args as Record<string, unknown>) }
    const identity = [
      'agent_name',
      'agent',
      'sender_agent',
      ...(spec.name === 'get_messages_from_agents' ? [] : ['from_agent']),
    ]
    for (const field of identity) {
      if (!Object.hasOwn(own, field)) continue
      if (own[field] !== this.agent && own[field] !== null && own[field] !== undefined) {
        this.#parts.incidents?.record(this.#parts.userId, {
          agent: this.agent,
          action: spec.name,
          code: 'agent.mismatch',
        })
        throw failure('agent.mismatch', { agent: this.agent })
      }
      delete own[field]
    }
    const checked = spec.arguments.safeParse(own)
    if (checked.success) return checked.data
    const problems = checked.error.issues
      .slice(0, 5)
      .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    throw failure('tool.arguments', { tool: spec.name, problem: problems.join('; ') })
  }

  async #failed(name: string, args: unknown, error: TroupeError): Promise<ToolResult> {
    const helpful: Record<string, Json> = {}
    const denied = error.code === 'access.denied' || error.code === 'tool.unknown'
    if (denied) Object.assign(helpful, { available_tools: [...this.#available()], agent_role: this.#parts.access.role })
    const { key, topic } = (args ?? {}) as { readonly key?: unknown; readonly topic?: unknown }
    if (error.code === 'context.missing' && typeof key === 'string')
      helpful.similar_keys = [...(await similarKeys(this.#hands.context, key))]
    if (error.code === 'topic.missing' && topic !== undefined) helpful.available_topics = [...(await this.#topics())]
    const results = (error as { readonly results?: Json }).results
    if (results !== undefined) helpful.results = results
    if (error.retryable) helpful.retry_after = error.code === 'timeout' ? 30 : 1
    return {
      success: false,
      error: denied && error.code === 'access.denied' ? `Access denied to tool: ${name}` : error.message,
      code: error.code,
      ...(error.hint === undefined ? {} : { suggestion: error.hint }),
      ...helpful,
    }
  }

  async #topics(): Promise<readonly string[]> {
    try {
      return (await this.#hands.context.discoverTopics()).items.map(({ topic }) => topic)
    } catch (error) {
      if (error instanceof TroupeError && error.status === 403) return []
      throw error
    }
  }
}
