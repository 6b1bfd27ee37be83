/**
 * Finds the text that a pattern of a schema fits. The author of the schema, who may be a caller or a server of tools,
 * decides how long a pattern takes. The bounded evaluator therefore tries it, and the main thread never does.
 */
import { TroupeError } from '../../../core/index.ts'
import type { BoundedEvaluator } from '../../../security/index.ts'

/** Returns the first of the texts that the pattern fits; undefined if there is none, or if the pattern is rejected. */
export type FindFitting = (pattern: string, texts: readonly string[]) => Promise<string | undefined>

/** The source whose budget of time the patterns use. */
const source = 'offline/extractive'

/** @param evaluator without one, a pattern fits no text */
export function fittingBy(evaluator: BoundedEvaluator | undefined): FindFitting {
  if (!evaluator) return async () => undefined
  const isFound = async (pattern: string, texts: readonly string[]) =>
    texts.length > 0 &&
    (await evaluator.check(source, { type: 'array', contains: { type: 'string', pattern } }, texts)) === undefined
  return async (pattern, texts) => {
    try {
      if (!(await isFound(pattern, texts))) return undefined
      // Halving needs few requests for many texts.
      let rest = texts
      while (rest.length > 1) {
        const [first, second] = [rest.slice(0, rest.length >> 1), rest.slice(rest.length >> 1)]
        rest = (await isFound(pattern, first)) ? first : second
      }
      return rest[0]
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'schema.rejected') return undefined
      throw error
    }
  }
}
