/** Calculates the confidence that the best quotation answers a question. */
import type { ParsedQuestion } from './question.ts'
import type { Quotation } from './quotations.ts'
import { lacksForm } from './unit-features.ts'

/** Below this confidence, `found` is false. One in twenty questions with an answer is below it. */
export const leastConfidence = 0.82

const passageWeight = 0.55
const formPenalty = 0.3
const namePenalty = 0.35

/**
 * @returns the share of the question's words that occur in the quotation and the text around it, from 0 to 1, where a rare
 * word weighs less than its rarity, plus 0.55 times the score of its passage relative to the best passage, minus 0.3 if the
 * question asks for a number, a time or a person and the quotation has none, minus 0.35 if the question contains a proper
 * name that no document contains
 */
export function confidenceOf(question: ParsedQuestion, quotation: Quotation): number {
  const { features, coverage } = quotation.unit
  const lacks = lacksForm(question, quotation.text.slice(quotation.start, quotation.end))
  const penalty = (lacks ? formPenalty : 0) + (question.lacksName ? namePenalty : 0)
  return coverage + passageWeight * (features.passage ?? 0) - penalty
}
