/** Scores an answer that fits a schema. */
import { checkSchema, hashJson, jsonSchemaFor, parse, type Schema } from '../../../core/index.ts'
import type { ScoredRun, ScoreFunction } from './score-function.ts'

/**
 * Returns a scorer that gives 1 if the answer fits the schema, else 0.
 * @param schema any Standard Schema (zod, valibot, arktype, …)
 * @throws ValidationError for a value that is not a schema
 * @example const scorers = { form: matchesSchema(z.object({ total: z.number() })) }
 */
export function matchesSchema(schema: Schema): ScoreFunction {
  checkSchema('The schema of matchesSchema', schema)
  const score = async ({ response }: ScoredRun): Promise<number> => {
    try {
      await parse(schema, response ?? null, 'The answer')
      return 1
    } catch (error) {
      // The schema gave no verdict: it threw.
      if ((error as Error).cause !== undefined) throw error
      return 0
    }
  }
  const fingerprint = `matchesSchema ${hashJson(jsonSchemaFor(schema, 'input') ?? null)}`
  return Object.assign(score, { needs: [], fingerprint })
}
