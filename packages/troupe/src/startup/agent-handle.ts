/** The clients of one agent as the host uses them. The identity of the agent is bound once and is never an argument. */

import type { ContextClient } from '../context/index.ts'
import { construct } from '../core/index.ts'
import type { CommittedMessages, Mailbox, MessageType, ReceiveOptions } from '../messaging/index.ts'
import { createUserMetrics, type UserMetrics } from '../observability/index.ts'
import { requireMetrics, type TroupeParts } from '../operations/index.ts'
import { Access, type AccessOptions, checkGrants } from '../security/index.ts'
import { ToolHandler } from '../tools/index.ts'

/** The clients of one agent of a user, with the rights of the agent. `user.agent(name)` returns it. */
export interface AgentHandle {
  /** The name of the agent. */
  readonly name: string
  /** Reads and writes the entries of the context that the agent can see. */
  readonly context: ContextClient
  /** Sends messages and requests as the agent; each call is committed when it resolves. */
  readonly messages: CommittedMessages
  /** Receives the messages of the agent. */
  readonly mailbox: Mailbox
  /** The built-in tools of the agent, for models that the application calls itself. */
  readonly tools: ToolHandler
  /** The metrics of the application for this user; recording and reading them needs the rights of the agent. */
  readonly metrics: UserMetrics
}

/** @throws ValidationError for a name, role or list that is not allowed */
export function createAgentHandle(
  parts: Pick<TroupeParts, 'platform' | 'communication' | 'tools' | 'security' | 'observability' | 'work'>,
  user: string,
  name: string,
  options: AccessOptions = {},
): AgentHandle {
  const { mesh, mailboxes } = parts.communication
  const access = new Access(options, parts.security.roles)
  checkGrants(options)
  const context = mesh.agent(user, name, access)
  const messages = mailboxes.messages({ user, agent: name, access })
  const own = mailboxes.mailbox(user, name)
  const mailbox: Mailbox = {
    ...own,
    async receive<T extends MessageType | string>(options?: ReceiveOptions<T>) {
      parts.work.gate.check('Receiving a message')
      return own.receive(options)
    },
  }
  const tools = ToolHandler[construct]({
    userId: user,
    clients: { context, messages, mailbox },
    access,
    platform: parts.platform,
    security: parts.security,
    unread: parts.tools.unread,
  })
  const { metricStore, metrics: collector } = parts.observability
  const checkRight = requireMetrics(access, name)
  const metrics = createUserMetrics({ store: metricStore, metrics: collector, checkRight }, user)
  return { name, context, messages, mailbox, tools, metrics }
}
