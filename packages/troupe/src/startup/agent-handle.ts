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
  parts: TroupeParts,
  user: string,
  name: string,
  options: AccessOptions = {},
): AgentHandle {
  const { mesh, mailboxes, gate, clock, ids, events, incidents, audit, roles, unread, guard } = parts
  const access = new Access(options, roles)
  checkGrants(options)
  const context = mesh.agent(user, name, access)
  const { messages, mailbox: own } = mailboxes.clients({ user, agent: name, access })
  const mailbox: Mailbox = {
    ...own,
    async receive<T extends MessageType | string>(options?: ReceiveOptions<T>) {
      gate.check('Receiving a message')
      return own.receive(options)
    },
  }
  const handed = { context, messages, mailbox, access, clock, ids, events, incidents, audit, unread, guard }
  const tools = ToolHandler[construct]({ userId: user, ...handed })
  const { metricStore: store, metrics: collector } = parts
  const metrics = createUserMetrics({ store, metrics: collector, checkRight: requireMetrics(access, name) }, user)
  return { name, context, messages, mailbox, tools, metrics }
}
