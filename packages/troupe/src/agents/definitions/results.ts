/** The input of an agent after the join of its invocations, or of branches that meet at its node. */
import type { Json, StoredError } from '../../core/index.ts'

/** The result of one invocation; the value of a failed one is null. */
export type AgentResult<T = Json> =
  | { readonly agent: string; readonly success: true; readonly value: T; readonly error?: undefined }
  | { readonly agent: string; readonly success: false; readonly value: null; readonly error: StoredError }

/**
 * The input of an agent that is run again, in the order of invocation.
 * @example
 * const lead = defineAgent({
 *   name: 'Lead',
 *   run: async (input: string | Results<string>, ctx) =>
 *     typeof input === 'string'
 *       ? invoke([{ agent: 'Researcher', input }, { agent: 'Critic', input }])
 *       : finish({ task: ctx.task, found: input.results.map((result) => result.value) }),
 * })
 */
export interface Results<T = Json> {
  readonly results: readonly AgentResult<T>[]
}
