/** What a scorer is: a function that says what the answer of a run is worth. */
import { type Json, objectOf, type Schema, type UserId } from '../../../core/index.ts'
import type { EmbeddingSpec, ModelSpec } from '../../../models/index.ts'
import type { RunResult } from '../../engine/run-result.ts'
import type { DatasetCase } from '../datasets/dataset.ts'

/** What is scored. */
export interface ScoredRun {
  /** In `evaluate` that of the past run, on both sides; otherwise that of the run itself. */
  readonly id: string
  /** `original` is the past run of `evaluate`; `against` is the other team of an experiment. */
  readonly side: 'original' | 'candidate' | 'against'
  readonly task: Json
  readonly response: Json | undefined
  readonly result: RunResult
  /** What the past run of `evaluate` had answered; absent otherwise. */
  readonly original: Json | undefined
  /** The answer of a good run: `expected` of a case, or what the past run of `evaluate` had answered. */
  readonly expected: Json | undefined
  /** The case of the data set; absent in `evaluate`. */
  readonly case?: DatasetCase
  /** What the run was given: its task, what it read of the context, what tools and effects answered it. */
  readonly sources: readonly Json[]
}

/** What a scorer may use: models of the troupe, with their limits and prices. */
export interface ScoreContext {
  readonly user: UserId
  readonly signal?: AbortSignal
  /**
   * Asks a model.
   * @throws ExternalServiceError `model.failed` and the other errors of models; AgentError `model.missing` where neither the
   * question nor the troupe names a model
   */
  ask(question: ScoreQuestion): Promise<ScoreAnswer>
  /** Returns a vector of length one for each text. @throws ExternalServiceError `embedding.wrong`, `model.failed` */
  embed(model: EmbeddingSpec, texts: readonly string[]): Promise<readonly Float32Array[]>
}

export interface ScoreQuestion {
  /** Each substitutes for those before it; the default model of the troupe where empty. */
  readonly models: readonly ModelSpec[]
  readonly system: string
  readonly text: string
  /** The form of the answer, for models that support it. */
  readonly schema?: Schema
}

export interface ScoreAnswer {
  readonly text: string
  /** `provider/model`. */
  readonly model: string
}

export type Verdict = {
  /** More is better. The scorers of this library give 0 to 1. */
  readonly score: number
  /** The choice of a judge, by which it is compared with labels of people. */
  readonly choice?: string
  readonly reason?: string
}

/** Returns a number, more being better, or a verdict with its reason. */
export interface ScoreFunction {
  (run: ScoredRun, context: ScoreContext): number | Verdict | Promise<number | Verdict>
  /** What the scorer reads besides the answer; a function that does not say it is given all. */
  readonly needs?: readonly ('expected' | 'sources')[]
  /** Changes where the scorer does: an experiment is resumed with the same scorers alone. Its source text where absent. */
  readonly fingerprint?: string
}

/** Scorers by their names. */
export type NamedScores = Readonly<Record<string, ScoreFunction>>

/** The fields of a run that a scorer was given. @throws ValidationError for what is no object, or cannot be read */
export const scoredFields = (run: ScoredRun): ScoredRun =>
  objectOf('The run that is scored', run as unknown as Readonly<Record<string, unknown>>) as unknown as ScoredRun

export const needsSources = ({ needs }: ScoreFunction): boolean => needs?.includes('sources') ?? true
