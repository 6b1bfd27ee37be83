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
  const host = agent === undefined ? parts.mesh.host(user, access) : undefined
  // Most requests need none of them.
  let post: ReturnType<TroupeParts['mailboxes']['hands']> | undefined
  const posting = () => (post ??= parts.mailboxes.hands({ user, agent: name, access }))
  return {
    name,
    context: host ?? parts.mesh.agent(user, name, access),
    get messages() {
      return posting().messages
    },
    get mailbox() {
      return posting().mailbox
    },
    host,
  }
}
