/** An agent's hands, as the host gets them: identity is bound once, never an argument. */
import type { ContextHands } from '../context/index.ts'
import type { LiveMessageHands, MailboxHands } from '../messaging/index.ts'
import { Access, type AccessOptions, checkGrants } from '../security/index.ts'
import { ToolHandler } from '../tools/index.ts'
import type { TroupeParts } from './parts.ts'

export interface AgentHandle {
  readonly name: string
  readonly context: ContextHands
  readonly messages: LiveMessageHands
  readonly mailbox: MailboxHands
  readonly tools: ToolHandler
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
  const { messages, mailbox: own } = mailboxes.hands({ user, agent: name, access })
  const mailbox: MailboxHands = {
    ...own,
    async receive(options) {
      gate.check('Receiving a message')
      return own.receive(options)
    },
  }
  const handed = { context, messages, mailbox, access, clock, ids, events, incidents, audit, unread, guard }
  const tools = new ToolHandler({ userId: user, ...handed })
  return { name, context, messages, mailbox, tools }
}
