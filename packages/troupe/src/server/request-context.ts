/** The clients with which a caller acts: those of its agent, or of the application, limited to the caller's role. */
import { type ContextClient, type ContextMesh, hostName } from '../context/index.ts'
import type { CommittedMessages, Mailbox } from '../messaging/index.ts'
import type { TroupeParts } from '../operations/index.ts'
import type { Access } from '../security/index.ts'
import { accessOf, type RequestPrincipal } from './access/request-principal.ts'

export interface RequestContext {
  readonly name: string
  readonly context: ContextClient
  readonly messages: CommittedMessages
  readonly mailbox: Mailbox
  /** Absent if the caller acts as an agent. */
  readonly host: ContextMesh | undefined
}

export const requestContextOf = (
  parts: TroupeParts,
  principal: RequestPrincipal,
  user: string,
  agent: string | undefined,
): RequestContext => new LazyRequestContext(parts, user, agent, accessOf(principal, parts.roles))

/** A class, since closures of an object literal's accessors would live until a major garbage collection. */
class LazyRequestContext implements RequestContext {
  readonly name: string
  readonly context: ContextClient
  readonly host: ContextMesh | undefined
  readonly #mailboxes: TroupeParts['mailboxes']
  readonly #caller: { readonly user: string; readonly agent: string; readonly access: Access }
  #posting: ReturnType<TroupeParts['mailboxes']['clients']> | undefined

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

  /** Created on first use, since most requests do not need it. */
  #post() {
    this.#posting ??= this.#mailboxes.clients(this.#caller)
    return this.#posting
  }
}
