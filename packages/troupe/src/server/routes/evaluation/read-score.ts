/** Reads the scorer that a request names. */
import { z } from 'zod'
import { failure, type Json, TroupeError } from '../../../core/index.ts'
import type { Score } from '../../../runs/index.ts'
import { expressionSource } from '../../../security/index.ts'
import type { Call } from '../../route.ts'
import { requestText, withoutUndefined } from '../../schemas/request-schemas.ts'

export const scoreSchema = z.union(
  [
    z.enum(['exact', 'citations', 'similarity']),
    z.strictObject({
      schema: z.record(requestText.key, z.unknown()).describe('JSON Schema that a good answer matches.'),
    }),
    z.strictObject({
      similarity: z.strictObject({ model: z.string().max(256).optional().describe('An embedding model.') }),
    }),
    z.strictObject({
      judge: z.strictObject({
        model: z.union([requestText.name, z.array(requestText.name).max(100)]).optional(),
        rubric: z.string().max(100_000).describe('A description of a good answer.'),
        choices: z.record(requestText.key, z.number()).optional().describe('The score of each choice.'),
        sources: z.boolean().optional().describe('Whether the judge sees the sources that the run received.'),
      }),
    }),
    z.strictObject({ named: requestText.name.describe('The name of a scorer with which the troupe was opened.') }),
  ],
  { error: "it is 'exact', 'citations', 'similarity', { schema }, { similarity }, { judge } or { named }" },
)

type AskedScore = z.infer<typeof scoreSchema>
type SchemaCall = Pick<Call<unknown, unknown, unknown>, 'parts' | 'user' | 'principal'>

/**
 * @param where the path of the scorer in the request: `body/score`
 * @throws ValidationError `request.invalid` if the schema is not a JSON Schema
 */
export async function readScore(call: SchemaCall, score: AskedScore, where: string): Promise<Score> {
  if (typeof score === 'string') return score
  if ('schema' in score) return { schema: await schemaOf(call, score.schema, where) }
  if ('judge' in score) return { judge: withoutUndefined(score.judge) }
  if ('similarity' in score) return { similarity: withoutUndefined(score.similarity) }
  return score
}

async function schemaOf(call: SchemaCall, schema: Readonly<Record<string, unknown>>, where: string) {
  const { evaluator } = call.parts.tools
  const source = expressionSource(call.principal, call.user)
  const json = schema as { readonly [key: string]: Json }
  try {
    await evaluator.check(source, json)
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    throw failure('request.invalid', { problem: `${where}/schema: ${error.message}` })
  }
  return evaluator.schemaOf(source, json)
}
