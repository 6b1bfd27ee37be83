/** A policy that returns a substitute for a failed result. */
import { checkPredicate } from '../core/index.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

/**
 * Returns a fallback policy.
 * @param instead a value, or a function of the failure
 * @param options.when selects the failures that get the substitute; all except cancellation by default
 * @example await wrap(fallback({ items: [], note: 'fallback_used' }), breaker).execute(() => search(query))
 */
export function fallback(instead: unknown, options: { readonly when?: (error: unknown) => boolean } = {}): Policy {
  const when = options.when ?? ((error) => (error as Error)?.name !== 'CancelledError')
  return {
    async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
      checkGuarded('fallback.execute', fn, call)
      const { signal } = call
      try {
        return await fn({ signal })
      } catch (error) {
        if (signal?.aborted || !checkPredicate('The option when of fallback', when(error))) throw error
        return (typeof instead === 'function' ? await instead(error) : instead) as Out
      }
    },
  }
}
