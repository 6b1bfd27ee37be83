/** Checks the option that scores live runs. */
import { checkOptions, invalidInput, isPlainObject, show } from '../../../core/index.ts'
import { createScorer } from '../score-answer.ts'
import type { NamedScores } from '../scorers/score-function.ts'
import type { OnlineScoringOptions } from './online-scoring.ts'

const wrong = (option: string, problem: string) => invalidInput(`evaluation.online.${option}`, problem)

/** @throws ValidationError */
export function checkOnlineScoring(options: OnlineScoringOptions, named: NamedScores): void {
  checkOptions('evaluation.online', options, ['share', 'scorers'])
  const { share, scorers } = options
  if (!(Number.isFinite(share) && share >= 0 && share <= 1))
    throw wrong('share', `it must be a number from 0 to 1, got ${show(share)}`)
  if (!isPlainObject(scorers) || Object.keys(scorers).length === 0)
    throw wrong('scorers', 'it must be an object with a scorer for each name')
  for (const [name, score] of Object.entries(scorers))
    if (createScorer(score, named).needs?.includes('expected'))
      throw wrong(`scorers.${name}`, 'it compares with an expected answer, and a live run has none')
}
