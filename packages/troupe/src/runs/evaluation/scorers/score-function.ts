/** Scorers: functions that rate the answer of a run. */
import { type Json, objectOf, type Schema, type UserId } from '../../../core/index.ts'
import type { EmbeddingSpec, ModelSpec } from '../../../models/index.ts'
import type { RunResult } from '../../engine/run-result.ts'
import type { DatasetCase } from '../datasets/dataset.ts'

/** The run that is scored. */
export interface ScoredRun {
  /** The id of the past run in `evaluate`, on both sides; otherwise the id of the run itself. */
  readonly id: string
  /** `original` is the past run of `evaluate`; `against` is the other team of an experiment. */
  readonly side: 'original' | 'candidate' | 'against'
  /** The task of the run. */
  readonly task: Json
  /** The response of the run; undefined if it has none. */
  readonly response: Json | undefined
  /** The result of the run. */
  readonly result: RunResult
  /** The answer of the past run in `evaluate`; absent otherwise. */
  readonly original: Json | undefined
  /** The expected answer: `expected` of a case, or the answer of the past run in `evaluate`. */
  readonly expected: Json | undefined
  /** The case of the data set; absent in `evaluate`. */
  readonly case?: DatasetCase
  /** The inputs of the run: its task, the context entries that it read, the results of tools and effects. */
  readonly sources: readonly Json[]
}

/** The services of a scorer: models of the troupe, with their limits and prices. */
export interface ScoreContext {
  /** The id of the user. */
  readonly user: UserId
  /** Aborts when the evaluation is cancelled. */
  readonly signal?: AbortSignal
  /**
   * Calls a model.
   * @throws ExternalServiceError `model.failed` and the other errors of models; AgentError `model.missing` if neither the
   * question nor the troupe names a model
   */
  ask(question: ScoreQuestion): Promise<ScoreAnswer>
  /** Returns a vector of length one for each text. @throws ExternalServiceError `embedding.wrong`, `model.failed` */
  embed(model: EmbeddingSpec, texts: readonly string[]): Promise<readonly Float32Array[]>
}

/** A question of a scorer to a model. */
export interface ScoreQuestion {
  /** A model and its fallbacks; the default model of the troupe if empty. */
  readonly models: readonly ModelSpec[]
  /** The system prompt. */
  readonly system: string
  /** The prompt. */
  readonly text: string
  /** The form of the answer, for models that support it. */
  readonly schema?: Schema
}

/** The answer of a model to a scorer. */
export interface ScoreAnswer {
  /** The text of the answer. */
  readonly text: string
  /** `provider/model` of the model that answered. */
  readonly model: string
}

/** The score of an answer, with its reason. */
export type Verdict = {
  /** The score; a higher one is better. The scorers of this library give 0 to 1. */
  readonly score: number
  /** The choice of a judge, by which it is compared with labels of people. */
  readonly choice?: string
  /** The reason for the score, for people; absent if the scorer gives none. */
  readonly reason?: string
}

/** Returns a number, where more is better, or a verdict with its reason. */
export interface ScoreFunction {
  (run: ScoredRun, context: ScoreContext): number | Verdict | Promise<number | Verdict>
  /** The fields that the scorer reads besides the answer; all by default. */
  readonly needs?: readonly ('expected' | 'sources')[]
  /** The version of the scorer: an experiment resumes only with the same scorers. Its source text by default. */
  readonly fingerprint?: string
}

/** Scorers by their names. */
export type NamedScores = Readonly<Record<string, ScoreFunction>>

/** Returns the fields of a run for a scorer. @throws ValidationError for a value that is not a readable object */
export const scoredFields = (run: ScoredRun): ScoredRun =>
  objectOf('The run that is scored', run as unknown as Readonly<Record<string, unknown>>) as unknown as ScoredRun

export const needsSources = ({ needs }: ScoreFunction): boolean => needs?.includes('sources') ?? true
