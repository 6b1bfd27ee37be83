/**
 * Names pairs of findings that speak of the same thing and differ in a value, or of which one denies. It compares wording
 * and understands nothing: what it names is for a person to judge.
 */
import { termsOf } from '../documents/index.ts'
import type { Claim, Contradiction } from '../team/shapes.ts'
import { type Statement, similarityOf, statementsIn } from './statement.ts'

const sameSubject = 0.6
const fewestTerms = 4
const maxPairs = 20
/** The share of the question's terms that both sentences or their headings hold when they answer the same question. */
const aboutQuestion = 0.5

/** @param question what the findings answer, where they answer one: the same unit with another number contradicts then */
export function findContradictions(findings: readonly Claim[], question?: string): Contradiction[] {
  const statements = findings.map(statementsIn)
  const found: Contradiction[] = []
  for (const [i, first] of statements.entries())
    for (const second of statements.slice(i + 1)) {
      const why = firstOf(first, second, (a, b) => conflictOf(a, b, question))
      if (why === undefined) continue
      if (found.length === maxPairs) return found
      found.push({ why, first: locationOf(first[0]), second: locationOf(second[0]) })
    }
  return found
}

function firstOf(
  first: readonly Statement[],
  second: readonly Statement[],
  compare: (a: Statement, b: Statement) => string | undefined,
): string | undefined {
  for (const a of first)
    for (const b of second) {
      const why = compare(a, b)
      if (why !== undefined) return why
    }
  return undefined
}

/** Why two statements may contradict each other; undefined where nothing says so. */
export function conflictOf(first: Statement, second: Statement, question?: string): string | undefined {
  const alike =
    Math.min(first.terms.size, second.terms.size) >= fewestTerms &&
    similarityOf(first.terms, second.terms) >= sameSubject
  if (alike && first.denies !== second.denies) return 'One denies what the other says.'
  const sameAnswer =
    question !== undefined &&
    first.finding.file !== second.finding.file &&
    answers(first, question) &&
    answers(second, question)
  if (!alike && !sameAnswer) return undefined
  for (const unit of new Set(first.values.map((value) => value.unit))) {
    if (!alike && unit === '') continue
    const [a, b] = [first, second].map(({ values }) =>
      values.filter((value) => value.unit === unit).map(({ number }) => number),
    )
    if (!a?.length || !b?.length || a.some((one) => b.includes(one))) continue
    return `One says ${a.join(', ')}, the other ${b.join(', ')}.`
  }
  return undefined
}

/** Whether a sentence with its headings holds at least half of what is asked; only of a question that asks for a value. */
function answers({ subject }: Statement, question: string): boolean {
  if (!/\b(?:how (?:many|much|long|large|often|high|old|far|big)|when|what (?:is|are) the)\b/i.test(question))
    return false
  const wanted = [...new Set(termsOf(question))]
  return wanted.length > 0 && wanted.filter((term) => subject.has(term)).length / wanted.length >= aboutQuestion
}

const locationOf = (statement: Statement | undefined) => {
  const { quote = '', file = '', line = 0 } = statement?.finding ?? {}
  return { quote, file, line }
}
