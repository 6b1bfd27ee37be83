/** The clients of one agent as the host uses them. The identity of the agent is bound once and is never an argument. */

import type { ContextClient } from '../context/index.ts'
import { construct } from '../core/index.ts'
import type { CommittedMessages, Mailbox, MessageType, ReceiveOptions } from '../messaging/index.ts'
import { createUserMetrics, type UserMetrics } from '../observability/index.ts'
import { requireMetrics, type TroupeParts } from '../operations/index.ts'
import { Access, type AccessOptions, checkGrants } from '../security/index.ts'
import { ToolHandler } from '../tools/index.ts'

export interface AgentHandle {
  readonly name: string
  readonly context: ContextClient
  readonly messages: CommittedMessages
  readonly mailbox: Mailbox
  readonly tools: ToolHandler
  readonly metrics: UserMetrics
}

/** @throws ValidationError for a name, role or list that is not allowed */
export function createAgentHandle(
  parts: Pick<TroupeParts, 'platform' | 'communication' | 'tools' | 'security' | 'observability' | 'work'>,
  user: string,
  name: string,
  options: AccessOptions = {},
): AgentHandle {
  const { clock, ids, events } = parts.platform
  const { mesh, mailboxes } = parts.communication
  const { incidents, audit, roles, guard } = parts.security
  const access = new Access(options, roles)
  checkGrants(options)
  const context = mesh.agent(user, name, access)
  const { messages, mailbox: own } = mailboxes.clients({ user, agent: name, access })
  const mailbox: Mailbox = {
    ...own,
    async receive<T extends MessageType | string>(options?: ReceiveOptions<T>) {
      parts.work.gate.check('Receiving a message')
      return own.receive(options)
    },
  }
  const tools = ToolHandler[construct]({
    userId: user,
    context,
    messages,
    mailbox,
    access,
    clock,
    ids,
    events,
    incidents,
    audit,
    guard,
    unread: parts.tools.unread,
  })
  const { metricStore, metrics: collector } = parts.observability
  const checkRight = requireMetrics(access, name)
  const metrics = createUserMetrics({ store: metricStore, metrics: collector, checkRight }, user)
  return { name, context, messages, mailbox, tools, metrics }
}
