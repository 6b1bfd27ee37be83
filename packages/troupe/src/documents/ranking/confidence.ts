/** Says how sure it is that the best quotation answers a question, from what stands there and where it was found. */
import type { ParsedQuestion } from './question.ts'
import type { Quotation } from './quotations.ts'
import { lacksForm } from './unit-features.ts'

/** Below this, nothing is said to be found: of questions with an answer one in twenty is below it. */
export const leastConfidence = 0.88

const passageWeight = 0.7
const formPenalty = 0.3

/**
 * @returns the share of the question's words that the quotation holds with what stands around it, from 0 to 1, and how
 * near the whole index puts its passage to the best one; less where the question asks for a number, a time or a person
 * and the quotation has none
 */
export function confidenceOf(question: ParsedQuestion, quotation: Quotation): number {
  const { features, coverage } = quotation.unit
  const lacks = lacksForm(question, quotation.text.slice(quotation.start, quotation.end))
  return coverage + passageWeight * (features.passage ?? 0) - (lacks ? formPenalty : 0)
}
