/**
 * Calls of clients of the protocol of 2025 that are under way. Those cancel by a message of its own, which names the call
 * within its session; so they are given a session that is a name and nothing else, and any process answers in it. The
 * message finds its call where it is served by the same process.
 */
interface Message {
  readonly method?: unknown
  readonly id?: unknown
  readonly params?: { readonly requestId?: unknown }
}

export const isGreeting = (body: unknown): boolean => (body as Message | null)?.method === 'initialize'
/** Such an answer has no end of its own. */
export const isSubscription = (body: unknown): boolean => (body as Message | null)?.method === 'subscriptions/listen'

export class McpCalls {
  readonly #ends = new Map<string, AbortController>()

  /**
   * @param callScope whose session it is
   * @returns what ends the call, undefined where nobody can name it
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
