/** In whose name a client of MCP calls: fixed by its key or by the host, and never an argument of a call. */

import { type ContextClient, hostName } from '../../../context/index.ts'
import { construct } from '../../../core/index.ts'
import type { CommittedMessages, Mailbox } from '../../../messaging/index.ts'
import type { TroupeParts } from '../../../operations/index.ts'
import type { Access, BuiltInTool, LeastRole, Operation } from '../../../security/index.ts'
import type { Troupe } from '../../../startup/index.ts'
import { ToolHandler } from '../../../tools/index.ts'

/** The caller of an MCP request. */
export interface McpIdentity {
  /** The id of the user. */
  readonly user: string
  /** The name of the agent; undefined for the application. */
  readonly agent: string | undefined
  /** The rights to the built-in tools. */
  readonly access: Access
  /** Returns true if the caller may perform an operation that needs at least this role. */
  readonly may: (operation: Operation, least: LeastRole) => boolean
}

/** The objects that serve one client. */
export interface McpCaller {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly identity: McpIdentity
  readonly context: ContextClient
  readonly tools: ToolHandler
}

interface McpClients {
  readonly context: ContextClient
  readonly messages: CommittedMessages
  readonly mailbox: Mailbox
}

export function mcpCallerOf(troupe: Troupe, parts: TroupeParts, identity: McpIdentity): McpCaller {
  const { user, agent, access } = identity
  const { mesh, mailboxes } = parts.communication
  const {
    platform,
    tools: { unread },
  } = parts
  const security = { incidents: parts.security.incidents }
  const name = agent ?? hostName
  const clients: McpClients = {
    messages: mailboxes.messages({ user, agent: name, access }),
    mailbox: mailboxes.mailbox(user, name),
    context: agent === undefined ? mesh.host(user, access) : mesh.agent(user, agent, access),
  }
  const tools = ToolHandler[construct]({ userId: user, clients, access, platform, security, unread })
  return { troupe, parts, identity, context: clients.context, tools }
}

/** Records in the audit log that a client has no right to an operation. */
export const recordRejection = (
  { parts, identity: { user, agent = hostName } }: McpCaller,
  operation: Operation,
  reason = 'request.forbidden',
): void => parts.security.audit.rejectedCall({ user, actor: agent, operation }, reason)

/** The operation that a key must allow for each built-in tool, equal to that of the corresponding route. */
export const operationOf: Readonly<Record<BuiltInTool, Operation>> = {
  get_context: 'context.read',
  list_context: 'context.read',
  list_context_keys: 'context.read',
  push_context: 'context.push',
  delete_context: 'context.delete',
  batch_context_operation: 'context.batch',
  subscribe_to_topics: 'context.subscribe',
  unsubscribe_from_topics: 'context.subscribe',
  discover_topics: 'context.read',
  delete_topic: 'topics.manage',
  send_message_to_agent: 'messages.send',
  broadcast_message_to_agents: 'messages.send',
  get_messages_from_agents: 'messages.read',
}
