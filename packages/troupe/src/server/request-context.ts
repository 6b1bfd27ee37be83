/** The clients with which a caller acts: those of its agent, or of the application, limited to the caller's role. */
import { type ContextClient, type ContextMesh, hostName } from '../context/index.ts'
import type { CommittedMessages } from '../messaging/index.ts'
import type { CommunicationParts, TroupeParts } from '../operations/index.ts'
import type { Access } from '../security/index.ts'
import { accessOf, type RequestPrincipal } from './access/request-principal.ts'

export interface RequestContext {
  readonly name: string
  readonly context: ContextClient
  readonly messages: CommittedMessages
  /** Absent if the caller acts as an agent. */
  readonly host: ContextMesh | undefined
}

export const requestContextOf = (
  parts: Pick<TroupeParts, 'communication' | 'security'>,
  principal: RequestPrincipal,
  user: string,
  agent: string | undefined,
): RequestContext => new LazyRequestContext(parts.communication, user, agent, accessOf(principal, parts.security.roles))

/** A class, since closures of an object literal's accessors would live until a major garbage collection. */
class LazyRequestContext implements RequestContext {
  readonly name: string
  readonly context: ContextClient
  readonly host: ContextMesh | undefined
  readonly #mailboxes: CommunicationParts['mailboxes']
  readonly #caller: { readonly user: string; readonly agent: string; readonly access: Access }
  #messages: CommittedMessages | undefined

  constructor({ mesh, mailboxes }: CommunicationParts, user: string, agent: string | undefined, access: Access) {
    this.name = agent ?? hostName
    this.host = agent === undefined ? mesh.host(user, access) : undefined
    this.context = this.host ?? mesh.agent(user, this.name, access)
    this.#mailboxes = mailboxes
    this.#caller = { user, agent: this.name, access }
  }

  /** Created on first use, since most requests do not need it. */
  get messages() {
    this.#messages ??= this.#mailboxes.messages(this.#caller)
    return this.#messages
  }
}
