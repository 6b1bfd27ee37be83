/** Scores an answer that is equal to the expected one. */
import { canonicalJson } from '../../../core/index.ts'
import { expectedOf } from './expected-of.ts'
import { type ScoredRun, type ScoreFunction, scoredFields } from './score-function.ts'

/**
 * Scores 1 if the answer is the expected one, else 0. Both are compared as JSON; the order of fields does not count.
 * @example await ada.experiments.evaluate({ dataset, team: 'shop', scorers: { exactMatch } })
 */
export const exactMatch: ScoreFunction = Object.assign(
  (run: ScoredRun) => {
    const expected = expectedOf(run)
    const { response } = scoredFields(run)
    return response !== undefined && canonicalJson(response) === canonicalJson(expected) ? 1 : 0
  },
  { needs: ['expected'] as const, fingerprint: 'exactMatch' },
)
