/** The answer that a run is compared with. */
import { invalidInput, type Json, show } from '../../../core/index.ts'
import { type ScoredRun, scoredFields } from './score-function.ts'

/** @throws ValidationError if there is no expected answer */
export function expectedOf(run: ScoredRun): Json {
  const { id, expected } = scoredFields(run)
  if (expected !== undefined) return expected
  throw invalidInput(
    'The score of evaluate',
    `run ${typeof id === 'string' ? id : show(id)} has no answer that another could be equal to`,
  )
}
