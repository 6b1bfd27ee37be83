/** What a caller acts with: the hands of the agent it acts as, or the host's, within the caller's role. */
import { type ContextHands, type ContextMesh, hostName } from '../context/index.ts'
import type { LiveMessageHands, MailboxHands } from '../messaging/index.ts'
import type { TroupeParts } from '../runtime/index.ts'
import { accessOf, type Principal } from './principal.ts'

export interface Hands {
  readonly name: string
  readonly context: ContextHands
  readonly messages: LiveMessageHands
  readonly mailbox: MailboxHands
  /** Absent where the caller acts as an agent. */
  readonly host: ContextMesh | undefined
}

export function handsOf(parts: TroupeParts, principal: Principal, user: string, agent: string | undefined): Hands {
  const access = accessOf(principal, parts.roles)
  const name = agent ?? hostName
  const post = parts.mailboxes.hands({ user, agent: name, access })
  if (agent !== undefined) return { name, context: parts.mesh.agent(user, agent, access), ...post, host: undefined }
  const host = parts.mesh.host(user, access)
  return { name, context: host, ...post, host }
}
