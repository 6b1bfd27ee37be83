/** What a caller acts with: the hands of the agent it acts as, or the host's, within the caller's role. */
import { type ContextHands, type ContextMesh, hostName } from '../context/index.ts'
import type { LiveMessageHands, MailboxHands } from '../messaging/index.ts'
import type { TroupeParts } from '../runtime/index.ts'
import type { Access } from '../security/index.ts'
import { accessOf, type Principal } from './principal.ts'

export interface Hands {
  readonly name: string
  readonly context: ContextHands
  readonly messages: LiveMessageHands
  readonly mailbox: MailboxHands
  /** Absent where the caller acts as an agent. */
  readonly host: ContextMesh | undefined
}

export const handsOf = (parts: TroupeParts, principal: Principal, user: string, agent: string | undefined): Hands =>
  new OwnHands(parts, user, agent, accessOf(principal, parts.roles))

/** A class: what accessors close over that an object has of its own lives until what is old is collected. */
class OwnHands implements Hands {
  readonly name: string
  readonly context: ContextHands
  readonly host: ContextMesh | undefined
  readonly #mailboxes: TroupeParts['mailboxes']
  readonly #caller: { readonly user: string; readonly agent: string; readonly access: Access }
  #posting: ReturnType<TroupeParts['mailboxes']['hands']> | undefined

  constructor({ mesh, mailboxes }: TroupeParts, user: string, agent: string | undefined, access: Access) {
    this.name = agent ?? hostName
    this.host = agent === undefined ? mesh.host(user, access) : undefined
    this.context = this.host ?? mesh.agent(user, this.name, access)
    this.#mailboxes = mailboxes
    this.#caller = { user, agent: this.name, access }
  }

  get messages() {
    return this.#post().messages
  }

  get mailbox() {
    return this.#post().mailbox
  }

  /** Most requests need none of it. */
  #post() {
    this.#posting ??= this.#mailboxes.hands(this.#caller)
    return this.#posting
  }
}
