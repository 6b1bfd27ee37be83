/** The position of a value in a schema. */
import type { Quote } from '../text/rank-sentences.ts'

/** The position of a value in a schema; inside a list also the sentence or the question of the element. */
export interface FieldContext {
  readonly path: string
  readonly name: string
  readonly description: string
  readonly depth: number
  readonly index?: number
  readonly quote?: Quote
  readonly question?: string
}
