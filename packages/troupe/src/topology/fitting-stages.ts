/** Types with which the compiler checks that each stage of a pipeline accepts the output of the previous one. */
import type { Agent } from '../agents/index.ts'
import type { Json } from '../core/index.ts'

/** A stage of a pipeline. */
export interface PipelineStage {
  /** The agents run in sequence, each with the output of the previous one, unless the stage is `parallel`. */
  readonly agents: readonly Agent[]
  /**
   * True if the agents run in parallel, each with the output of the previous stage; the next stage gets `{ results }`. False
   * by default.
   */
  readonly parallel?: boolean
}

/** The output type of an agent; unknown if its definition has none. */
export type OutputOf<A> = A extends Agent<never, infer Out> ? Out : unknown
type InputOf<A> = A extends { readonly types?: { input(value: infer In): void } } ? In : never

/** Makes a type deeply readonly: schemas have mutable lists and code has readonly lists, which are equal in JSON. */
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T

/** Whether a value may be passed on; true if one of the two types is unspecified. */
type Fits<Passed, Wanted> = [Wanted] extends [never]
  ? true
  : unknown extends Passed
    ? true
    : Json extends Wanted
      ? true
      : [Passed] extends [DeepReadonly<Wanted>]
        ? true
        : false

/** Replaces the type of an agent that does not fit, so that the compiler's error names both types. */
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
/** The output type of a stage; unknown for a parallel stage, whose results are combined. */
type OutputOfStage<Stage> = Stage extends { readonly parallel: true }
  ? unknown
  : Stage extends { readonly agents: infer Members }
    ? OutputOf<LastOf<Members>>
    : unknown

/** The stages unchanged, if each fits the previous one. */
export type FittingStages<Stages, Passed = unknown> = Stages extends readonly [infer Head, ...infer Others]
  ? readonly [
      Head extends { readonly agents: infer Members }
        ? {
            /** The agents of the stage; the type of one that does not fit names both types. */
            readonly agents: CheckedAgents<
              Members,
              Passed,
              Head extends { readonly parallel: infer Parallel } ? Parallel : false
            >
            /** True if the agents run in parallel. */
            readonly parallel?: boolean
          }
        : Head,
      ...FittingStages<Others, OutputOfStage<Head>>,
    ]
  : Stages

/** The output type of the last stage. */
export type OutputOfStages<Stages> = OutputOfStage<LastOf<Stages>>
