/** The input of an agent after the join of its invocations, or of branches that meet at its node. */
import type { Json, StoredError } from '../../core/index.ts'

/** The result of one invocation; the value of a failed one is null. */
export type AgentResult<T = Json> =
  | {
      /** The name of the invoked agent. */
      readonly agent: string
      readonly success: true
      /** The value that the agent returned or finished with. */
      readonly value: T
      /** Absent. */
      readonly error?: undefined
    }
  | {
      /** The name of the invoked agent. */
      readonly agent: string
      readonly success: false
      /** Null, because the invocation has no value. */
      readonly value: null
      /** The error with which the invocation ended. */
      readonly error: StoredError
    }

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
  /** One result for each invocation, in the order of the invocations. */
  readonly results: readonly AgentResult<T>[]
}
