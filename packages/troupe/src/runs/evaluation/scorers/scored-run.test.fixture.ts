/** A run to be scored, and the models that a scorer may use, for tests. */
import type { Json } from '../../../core/index.ts'
import { createEvents, seededRandom, systemClock } from '../../../core/index.ts'
import { createModels } from '../../../models/index.ts'
import type { RunResult } from '../../engine/run-result.ts'
import { type CountedScoreContext, createScoreContext } from './create-score-context.ts'
import type { ScoredRun } from './score-function.ts'

export const scoredRun = (response: Json | undefined, more: Partial<ScoredRun> = {}): ScoredRun => ({
  id: 'run',
  side: 'candidate',
  task: 'a task',
  response,
  result: {} as RunResult,
  original: undefined,
  expected: undefined,
  sources: [],
  ...more,
})

export const scoreContext = (): CountedScoreContext =>
  createScoreContext(
    createModels({ clock: systemClock, random: seededRandom(1), events: createEvents(() => {}) }),
    'ada',
    undefined,
  )
