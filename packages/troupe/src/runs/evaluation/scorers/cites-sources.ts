/** Scores the citations of an answer: whether their sources are among the inputs of the run. */
import { type Json, listOf } from '../../../core/index.ts'
import { type ScoredRun, type ScoreFunction, scoredFields } from './score-function.ts'

/**
 * Scores the share of the citations of the answer that occur in the inputs of the run: its task, the context entries
 * that it read, and the results of tools and effects. An answer without citations scores 0. Citations are names in
 * square brackets, web addresses, quotations of at least three words, and fields called `quote`. Case and spaces are
 * ignored.
 * @example await ada.experiments.evaluate({ dataset, team: 'research', scorers: { citesSources } })
 */
export const citesSources: ScoreFunction = Object.assign(
  (run: ScoredRun) => {
    const { response, sources } = scoredFields(run)
    const text = flat(listOf('The sources of the run', sources).flatMap(textsIn).join('\n'))
    const cited = new Set(citationsIn(response ?? null).map(flat))
    if (cited.size === 0) return 0
    return [...cited].filter((citation) => text.includes(citation)).length / cited.size
  },
  { needs: ['sources'] as const, fingerprint: 'citesSources' },
)

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
