/** The interface of all policies: each runs a function under one rule, and `wrap` nests them. */
import { checkFunction, checkOptions, checkSignalType } from '../core/index.ts'

/** Options of one call through a policy. */
export interface PolicyCall {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined
  /** Separates counters or stored values, for example by client or by query. */
  readonly key?: string | undefined
}

/** The function that a policy guards. */
export type Guarded<Out> = (call: {
  /** Cancels the call: the signal of the caller, or that of an outer policy such as a timeout. */
  readonly signal: AbortSignal | undefined
}) => Promise<Out> | Out

/** Checks the arguments of a policy. @throws ValidationError unless `fn` is a function, or for an unknown option */
export function checkGuarded(where: string, fn: unknown, call: PolicyCall): void {
  checkFunction(`The argument of ${where}`, fn)
  checkOptions(where, call, ['key', 'signal'])
  checkSignalType(where, call.signal)
}

/** A rule for calls, such as a retry or a timeout. `wrap` nests policies. */
export interface Policy {
  /**
   * Calls the function under the rule of the policy and returns its result.
   * @throws the error of the policy if it rejects the call, otherwise that of the function
   */
  execute<Out>(fn: Guarded<Out>, call?: PolicyCall): Promise<Out>
  /**
   * Returns the error with which a call would be rejected now, without counting a call. Absent if this is not known in
   * advance.
   */
  rejection?(call: PolicyCall): Error | undefined
}

/**
 * Nests policies, the first outermost.
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
    // A policy without `rejection` may handle the rejections of inner policies, so the search ends there.
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
