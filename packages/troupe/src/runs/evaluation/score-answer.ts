/** What an answer is worth: a number, of the past run and of the one that is run again alike. */
import {
  canonicalJson,
  checkOptions,
  checkSchema,
  failure,
  isPlainObject,
  type Json,
  nearest,
  parse,
  type Schema,
  show,
} from '../../core/index.ts'
import type { RunResult } from '../engine/run-result.ts'

/** What is scored. */
export interface ScoredRun {
  /** Of the past run, on both sides. */
  readonly id: string
  readonly side: 'original' | 'candidate'
  readonly task: Json
  readonly response: Json | undefined
  readonly result: RunResult
  /** What the past run had answered. */
  readonly original: Json | undefined
  /** What the run was given: its task, what it read of the context, what tools and effects answered it. */
  readonly sources: readonly Json[]
}

/**
 * `exact`: 1 where the answer is the past one, else 0. `{ schema }`: 1 where the answer fits. `citations`: the share of
 * its citations that stand in what the run was given, 0 without any. A function: any number, more being better. `{ named }`:
 * one of `createTroupe({ evaluation: { scores } })`.
 */
export type Score = 'exact' | 'citations' | { readonly schema: Schema } | { readonly named: string } | ScoreFunction
export type ScoreFunction = (run: ScoredRun) => number | Promise<number>
/** By their names. */
export type NamedScores = Readonly<Record<string, ScoreFunction>>
export type KnownScore = Exclude<Score, { readonly named: string }>

const wrong = (problem: string) => failure('validation.failed', { what: 'The score of evaluate', problem })

/** @throws ValidationError */
export function checkScore(score: Score, scores: NamedScores = {}): KnownScore {
  if (score === 'exact' || score === 'citations' || typeof score === 'function') return score
  if (!isPlainObject(score))
    throw wrong(`it is ${show(score)}, neither 'exact', 'citations', { schema }, { named } nor a function`)
  if ('named' in score) return scoreNamed(score, scores)
  checkOptions('evaluate.score', score, ['schema'])
  if (score.schema === undefined) throw wrong('it has no schema')
  checkSchema('The schema of evaluate.score', score.schema)
  return score
}

function scoreNamed(score: { readonly named: string }, scores: NamedScores): ScoreFunction {
  checkOptions('evaluate.score', score, ['named'])
  const found = Object.hasOwn(scores, score.named) ? scores[score.named] : undefined
  if (found) return found
  const known = Object.keys(scores)
  throw wrong(
    `none is named ${show(score.named)}; ${nearest(show(score.named), known) ?? (known.join(', ') || 'none is')} is known`,
  )
}

/** @throws ValidationError for a score that is no number, or where there is nothing to be equal to */
export async function scoreAnswer(score: KnownScore, run: ScoredRun): Promise<number> {
  if (score === 'exact') return exact(run)
  if (score === 'citations') return citations(run)
  if (typeof score === 'object') {
    const fits = parse(score.schema, run.response ?? null, 'The answer')
    return await fits.then(
      () => 1,
      (error: Error) => {
        // The schema gave no verdict: it threw.
        if (error.cause !== undefined) throw error
        return 0
      },
    )
  }
  const worth = await score(run)
  if (!Number.isFinite(worth)) throw wrong(`it gave ${show(worth)} for run ${run.id}, which is no number`)
  return worth
}

function exact({ id, response, original }: ScoredRun): number {
  if (original === undefined) throw wrong(`run ${id} has no answer that another could be equal to`)
  return response !== undefined && canonicalJson(response) === canonicalJson(original) ? 1 : 0
}

function citations({ response, sources }: ScoredRun): number {
  const text = flat(sources.flatMap(textsIn).join('\n'))
  const cited = new Set(citationsIn(response ?? null).map(flat))
  if (cited.size === 0) return 0
  return [...cited].filter((citation) => text.includes(citation)).length / cited.size
}

const flat = (text: string) => text.replace(/\s+/g, ' ').trim().toLowerCase()

/** Names in square brackets, web addresses, texts in quotation marks of three words or more, and fields called `quote`. */
function citationsIn(answer: Json): readonly string[] {
  if (typeof answer === 'string')
    return [
      ...matches(answer, /\[([^[\]]+)\](?!\()/g),
      ...matches(answer, /(https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?])/g),
      ...matches(answer, /["“]([^"“”]+)["”]/g).filter((quote) => quote.trim().split(/\s+/).length > 2),
    ]
  if (Array.isArray(answer)) return answer.flatMap(citationsIn)
  if (typeof answer !== 'object' || answer === null) return []
  return Object.entries(answer).flatMap(([field, value]) =>
    field === 'quote' && typeof value === 'string' ? [value] : citationsIn(value as Json),
  )
}

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found)

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.entries(value).flatMap(([field, each]) => [field, ...textsIn(each as Json)])
}
