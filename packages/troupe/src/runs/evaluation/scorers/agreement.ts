/** Cohen's kappa of two raters. */
import { invalidInput, listOf, readable } from '../../../core/index.ts'

/** The agreement of two raters beyond chance. */
export type Agreement = {
  /** The number of compared cases. */
  readonly cases: number
  /** The share of the cases in which both made the same choice. */
  readonly observed: number
  /** The share that two raters with these frequencies reach by chance. */
  readonly chance: number
  /**
   * Cohen's kappa: 1 is full agreement, 0 is chance. Absent if both always made one and the same choice, because chance
   * then explains everything.
   */
  readonly kappa?: number
}

/**
 * Returns Cohen's kappa of two raters. Source: Jacob Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and
 * Psychological Measurement 20 (1), 1960: `(observed - chance) / (1 - chance)`.
 * @param pairs the choices of both raters for each case
 * @throws ValidationError without a pair, and for a value that is not a pair of texts
 * @example agreementOf([['pass', 'pass'], ['pass', 'fail'], ['fail', 'fail']]).kappa
 */
export function agreementOf(pairs: readonly (readonly [string, string])[]): Agreement {
  const cases = listOf('The pairs of an agreement', pairs).length
  readable('The pairs of an agreement', () => pairs.forEach(checkPair))
  if (cases === 0) throw invalidInput('An agreement', 'no case has a label')
  const first = new Map<string, number>()
  const second = new Map<string, number>()
  let equal = 0
  for (const pair of pairs) {
    const [a, b] = listOf('A pair of an agreement', pair, 2) as typeof pair
    if (a === b) equal++
    first.set(a, (first.get(a) ?? 0) + 1)
    second.set(b, (second.get(b) ?? 0) + 1)
  }
  const byChance = [...first].reduce((sum, [choice, count]) => sum + count * (second.get(choice) ?? 0), 0)
  const observed = equal / cases
  const chance = byChance / cases ** 2
  return { cases, observed, chance, ...(chance === 1 ? {} : { kappa: (observed - chance) / (1 - chance) }) }
}

function checkPair(pair: readonly unknown[]): void {
  if (!Array.isArray(pair) || pair.length !== 2 || pair.some((choice) => typeof choice !== 'string'))
    throw invalidInput('A pair of an agreement', 'it must be a list of two texts')
}
