/** What all policies have in common: each runs a function under one rule, and `wrap` puts one around the other. */

export interface PolicyCall {
  readonly signal?: AbortSignal | undefined
  /** Tells apart what is counted or kept apart: a client, a question. */
  readonly key?: string | undefined
}

export type Guarded<Out> = (call: { readonly signal: AbortSignal | undefined }) => Promise<Out> | Out

export interface Policy {
  execute<Out>(fn: Guarded<Out>, call?: PolicyCall): Promise<Out>
}

/**
 * One policy made of several, the first outermost.
 * @example const careful = wrap(retry({ clock, random }), breaker, timeout({ clock, limit: '5s', what: 'The shop' }))
 */
export function wrap(...policies: readonly Policy[]): Policy {
  return {
    execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
      const from = (index: number, signal: AbortSignal | undefined): Promise<Out> => {
        const policy = policies[index]
        if (!policy) return Promise.resolve().then(() => fn({ signal }))
        return policy.execute<Out>((inner) => from(index + 1, inner.signal), { ...call, signal })
      }
      return from(0, call.signal)
    },
  }
}
