/**
 * Calls in progress of clients of the 2025 protocol. Such a client cancels by a message that names the call within its
 * session, so it gets a session id without state, which any process accepts. The message finds the call if the same
 * process serves it.
 */
interface Message {
  readonly method?: unknown
  readonly id?: unknown
  readonly params?: { readonly requestId?: unknown }
}

export const isGreeting = (body: unknown): boolean => (body as Message | null)?.method === 'initialize'
/** A request, or a batch with one, whose answer ends only when the client disconnects. */
export const isSubscription = (body: unknown): boolean =>
  [body].flat().some((message) => (message as Message | null)?.method === 'subscriptions/listen')

export class McpCalls {
  readonly #ends = new Map<string, AbortController>()

  /**
   * @param callScope the caller and the session
   * @returns a controller that aborts the call; undefined if the client cannot name the call
   */
  begin(callScope: readonly unknown[], body: unknown): AbortController | undefined {
    const { method, id, params } = (body ?? {}) as Message
    if (method === 'notifications/cancelled') this.#ends.get(JSON.stringify([...callScope, params?.requestId]))?.abort()
    if (typeof id !== 'string' && typeof id !== 'number') return undefined
    const ends = new AbortController()
    this.#ends.set(JSON.stringify([...callScope, id]), ends)
    return ends
  }

  end(callScope: readonly unknown[], body: unknown, ends: AbortController): void {
    const name = JSON.stringify([...callScope, (body as Message).id])
    if (this.#ends.get(name) === ends) this.#ends.delete(name)
  }
}
