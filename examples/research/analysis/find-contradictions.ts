/**
 * Names pairs of findings that speak of the same thing and differ in a number, or of which one denies. It compares
 * wording and understands nothing: what it names is for a person to judge.
 */
import type { Contradiction } from '../team/shapes.ts'
import { type Statement, similarityOf } from './statement.ts'

const sameSubject = 0.6
const fewestTerms = 4
const maxPairs = 20

export function findContradictions(statements: readonly Statement[]): Contradiction[] {
  const found: Contradiction[] = []
  for (const [i, first] of statements.entries())
    for (const second of statements.slice(i + 1)) {
      const why = conflictOf(first, second)
      if (why === undefined) continue
      if (found.length === maxPairs) return found
      found.push({ why, first: locationOf(first), second: locationOf(second) })
    }
  return found
}

/** Why two statements may contradict each other; undefined where nothing says so. */
export function conflictOf(first: Statement, second: Statement): string | undefined {
  if (Math.min(first.terms.size, second.terms.size) < fewestTerms) return undefined
  if (similarityOf(first.terms, second.terms) < sameSubject) return undefined
  if (first.denies !== second.denies) return 'One denies what the other says.'
  const [a, b] = [first.numbers, second.numbers]
  const differ = a.length > 0 && b.length > 0 && !a.some((one) => b.includes(one))
  return differ ? `One says ${a.join(', ')}, the other ${b.join(', ')}.` : undefined
}

const locationOf = ({ finding: { quote, file, line } }: Statement) => ({ quote, file, line })
