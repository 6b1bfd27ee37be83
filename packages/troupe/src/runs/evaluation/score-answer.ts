/** Scores an answer by any form of a scorer. */
import {
  checkOptions,
  checkSchema,
  invalidInput,
  isExactNumber,
  isPlainObject,
  nearest,
  type Schema,
  show,
  whenAborted,
} from '../../core/index.ts'
import { citesSources } from './scorers/cites-sources.ts'
import { exactMatch } from './scorers/exact-match.ts'
import { type JudgeOptions, judge } from './scorers/judge.ts'
import { matchesSchema } from './scorers/matches-schema.ts'
import type { NamedScores, ScoreContext, ScoredRun, ScoreFunction, Verdict } from './scorers/score-function.ts'
import { type SimilarityOptions, similarity } from './scorers/similarity.ts'

/**
 * A scorer: a function, as `exactMatch`, `citesSources`, `matchesSchema(…)`, `similarity(…)` and `judge(…)` are, or as
 * JSON. `exact`, `citations`, `similarity`, `{ schema }`, `{ similarity }` and `{ judge }` are those functions; `{
 * named }` is one of `createTroupe({ evaluation: { scores } })`.
 */
export type Score =
  | 'exact'
  | 'citations'
  | 'similarity'
  | {
      /** Scores 1 for an answer that fits this schema, 0 otherwise. */
      readonly schema: Schema
    }
  | {
      /** Scores the similarity to the expected answer. */
      readonly similarity: SimilarityOptions
    }
  | {
      /** Asks a model for a verdict. */
      readonly judge: JudgeOptions
    }
  | {
      /** The name of a scorer in `createTroupe({ evaluation: { scores } })`. */
      readonly named: string
    }
  | ScoreFunction

const wrong = (problem: string) => invalidInput('The score of evaluate', problem)

/** @throws ValidationError */
export function createScorer(score: Score, scores: NamedScores = {}): ScoreFunction {
  if (typeof score === 'function') return score
  if (score === 'exact') return exactMatch
  if (score === 'citations') return citesSources
  if (score === 'similarity') return similarity()
  if (!isPlainObject(score))
    throw wrong(
      `it is ${show(score)}, neither 'exact', 'citations', 'similarity', { schema }, { similarity }, { judge }, { named } nor a function`,
    )
  if ('named' in score) return scoreNamed(score, scores)
  if ('similarity' in score) {
    checkOptions('evaluate.score', score, ['similarity'])
    return similarity(score.similarity)
  }
  if ('judge' in score) {
    checkOptions('evaluate.score', score, ['judge'])
    return judge(score.judge)
  }
  checkOptions('evaluate.score', score, ['schema'])
  if (score.schema === undefined) throw wrong('it has no schema')
  checkSchema('The schema of evaluate.score', score.schema)
  return matchesSchema(score.schema)
}

function scoreNamed(score: { readonly named: string }, scores: NamedScores): ScoreFunction {
  checkOptions('evaluate.score', score, ['named'])
  const found = Object.hasOwn(scores, score.named) ? scores[score.named] : undefined
  if (found) return found
  const known = Object.keys(scores)
  const near = nearest(show(score.named), known)
  throw wrong(
    `no score is named ${show(score.named)}; ${near ? `did you mean ${near}?` : `evaluation.scores has ${known.join(', ') || 'none'}`}`,
  )
}

/**
 * Returns the verdict of a scorer. The scorer gets its own copy of the run, so that an answer that it sorts or edits stays
 * as it was for the other scorers and the stored result.
 * @throws ValidationError for a score that is not a number, or a missing expected answer; the reason of the signal if it
 * aborts, because a scorer may never return
 */
export async function scoreAnswer(
  [name, scorer]: readonly [name: string, scorer: ScoreFunction],
  run: ScoredRun,
  context: ScoreContext,
): Promise<Verdict> {
  const aborted = Promise.withResolvers<never>()
  const release = whenAborted(context.signal, () => aborted.reject(context.signal?.reason))
  const called = async (): Promise<unknown> => scorer(copied(run) as ScoredRun, context)
  const outcome = await Promise.race([aborted.promise, called()]).finally(release)
  const verdict = isPlainObject(outcome) ? (outcome as Partial<Verdict>) : { score: outcome as number }
  const { score, choice, reason } = verdict
  if (!isExactNumber(score)) {
    const wrongScore = isPlainObject(outcome) ? score : outcome
    throw invalidInput(
      `The score of ${name}`,
      `it is ${typeof wrongScore === 'string' ? JSON.stringify(wrongScore) : show(wrongScore)} for run ${run.id}, not a number up to ${Number.MAX_SAFE_INTEGER}`,
    )
  }
  return {
    score,
    ...(choice === undefined ? {} : { choice: String(choice) }),
    ...(reason === undefined ? {} : { reason: String(reason) }),
  }
}

/** Copies lists and plain objects; errors and other instances are shared. */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, copied(each)]))
}
