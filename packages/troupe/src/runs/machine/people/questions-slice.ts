/** Questions to people, and answers that came while the run was paused. */

import type { Question } from '../../../agents/index.ts'
import type { StoredError } from '../../../core/index.ts'
import type { BranchId, QuestionId, StepId } from '../machine-events.ts'
import type { StepAnswer } from '../result.ts'
import type { StatusTransitions } from '../transition-to.ts'

/**
 * The status of a question: open, answered, ended by its timeout, or withdrawn because the branch or step that asked
 * has ended.
 */
export type QuestionStatus = 'open' | 'answered' | 'expired' | 'withdrawn'

export const questionTransitions: StatusTransitions<QuestionStatus> = {
  open: ['answered', 'expired', 'withdrawn'],
  answered: [],
  expired: [],
  withdrawn: [],
}

export interface AskedQuestion {
  readonly id: QuestionId
  readonly branch: BranchId
  readonly agent: string
  readonly step: StepId | undefined
  readonly wait: string | undefined
  readonly failed: StoredError | undefined
  readonly ask: Question
  readonly askedAt: number
}

export interface QuestionsSlice {
  readonly open: Map<QuestionId, AskedQuestion>
  /** Answers that came while the run was paused. */
  deferred: StepAnswer[]
}

export const createQuestionsSlice = (): QuestionsSlice => ({ open: new Map(), deferred: [] })
