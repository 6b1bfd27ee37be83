/** Types by which the compiler holds a stage of a pipeline to what the one before gives. */
import type { Agent } from '../agents/index.ts'
import type { Json } from '../core/index.ts'

/** A stage of a pipeline. */
export interface PipelineStage {
  /** They run one after the other, each with what the one before gave, unless the stage is `parallel`. */
  readonly agents: readonly Agent[]
  /** `true`: its agents run at once, each with what the stage before gave, and the next stage gets `{ results }`. */
  readonly parallel?: boolean
}

/** What an agent gives; unknown where its definition does not say. */
export type OutputOf<A> = A extends Agent<never, infer Out> ? Out : unknown
type InputOf<A> = A extends { readonly types?: { input(value: infer In): void } } ? In : never

/** Schemas give lists that may be changed, and code gives lists that may not: that is no difference in JSON. */
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T

/** Whether a value may be passed on; true where one of the two sides says nothing. */
type Fits<Passed, Wanted> = [Wanted] extends [never]
  ? true
  : unknown extends Passed
    ? true
    : Json extends Wanted
      ? true
      : [Passed] extends [DeepReadonly<Wanted>]
        ? true
        : false

/** Stands in the place of an agent that does not fit, so that the compiler's error says what does not. */
interface Misfit<Passed, Wanted> {
  readonly 'it is given': Passed
  readonly 'it takes': Wanted
}
type Checked<A, Passed> = Fits<Passed, InputOf<A>> extends true ? A : Misfit<Passed, InputOf<A>>

type CheckedAgents<Members, Passed, Parallel> = Members extends readonly [infer Head, ...infer Others]
  ? readonly [
      Checked<Head, Passed>,
      ...CheckedAgents<Others, Parallel extends true ? Passed : OutputOf<Head>, Parallel>,
    ]
  : Members

type LastOf<List> = List extends readonly [...infer _, infer Last] ? Last : unknown
/** Of a parallel stage the results come together, and nothing is said about them here. */
type OutputOfStage<Stage> = Stage extends { readonly parallel: true }
  ? unknown
  : Stage extends { readonly agents: infer Members }
    ? OutputOf<LastOf<Members>>
    : unknown

/** The stages themselves where each fits the one before. */
export type FittingStages<Stages, Passed = unknown> = Stages extends readonly [infer Head, ...infer Others]
  ? readonly [
      Head extends { readonly agents: infer Members }
        ? {
            readonly agents: CheckedAgents<
              Members,
              Passed,
              Head extends { readonly parallel: infer Parallel } ? Parallel : false
            >
            readonly parallel?: boolean
          }
        : Head,
      ...FittingStages<Others, OutputOfStage<Head>>,
    ]
  : Stages

/** What the last stage gives. */
export type OutputOfStages<Stages> = OutputOfStage<LastOf<Stages>>
