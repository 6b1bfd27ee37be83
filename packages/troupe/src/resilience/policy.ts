/** What all policies have in common: each runs a function under one rule, and `wrap` puts one around the other. */
import { checkFunction, checkOptions, checkSignalType } from '../core/index.ts'

export interface PolicyCall {
  readonly signal?: AbortSignal | undefined
  /** Tells apart what is counted or kept apart: a client, a question. */
  readonly key?: string | undefined
}

export type Guarded<Out> = (call: { readonly signal: AbortSignal | undefined }) => Promise<Out> | Out

/** What every policy is called with. @throws ValidationError for what is no function, or no option */
export function checkGuarded(where: string, fn: unknown, call: PolicyCall): void {
  checkFunction(`What ${where} was given`, fn)
  checkOptions(where, call, ['key', 'signal'])
  checkSignalType(where, call.signal)
}

export interface Policy {
  execute<Out>(fn: Guarded<Out>, call?: PolicyCall): Promise<Out>
  /** With what a call would be refused now; counts nothing and takes no place. Absent where that can't be known before. */
  rejection?(call: PolicyCall): Error | undefined
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
    // What is inside one that does not say may be mended by it.
    rejection(call) {
      for (const policy of policies) {
        if (!policy.rejection) return undefined
        const rejection = policy.rejection(call)
        if (rejection) return rejection
      }
      return undefined
    },
  }
}
