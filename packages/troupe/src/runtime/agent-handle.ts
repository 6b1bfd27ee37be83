/** An agent's hands, as the host gets them: identity is bound once, never an argument. */
import type { ContextHands } from '../context/index.ts'
import type { MailboxHands, MessageHands } from '../messaging/index.ts'
import { Access, type AccessOptions } from '../security/index.ts'
import { ToolHandler } from '../tools/index.ts'
import type { TroupeParts } from './parts.ts'

export interface AgentHandle {
  readonly name: string
  readonly context: ContextHands
  readonly messages: MessageHands
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
  const { mesh, mailboxes, clock, ids, events, incidents } = parts
  const access = new Access(options)
  const context = mesh.agent(user, name, access)
  const { messages, mailbox } = mailboxes.hands({ user, agent: name, access })
  const tools = new ToolHandler({ userId: user, context, messages, mailbox, access, clock, ids, events, incidents })
  return { name, context, messages, mailbox, tools }
}
