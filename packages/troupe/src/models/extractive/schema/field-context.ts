/** A place in a schema that is to be filled. */
import type { Quote } from '../text/rank-sentences.ts'

/** Where in the schema a value belongs, and for which sentence or question if it is inside a list. */
export interface FieldContext {
  readonly path: string
  readonly name: string
  readonly description: string
  readonly depth: number
  readonly index?: number
  readonly quote?: Quote
  readonly question?: string
}
