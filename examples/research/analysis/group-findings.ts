/**
 * Puts together the findings of one sub-question that say the same: one finding with several places. The order is the
 * researcher's: passages are ranked once, by the search, with all that stands around them.
 */
import type { Claim, Ranked } from '../team/shapes.ts'
import { conflictOf } from './find-contradictions.ts'
import { type Statement, similarityOf, statementOf } from './statement.ts'

const maxFindings = 6
const maxSupport = 2
const sameStatement = 0.6

export function groupFindings(findings: readonly Claim[]): Ranked[] {
  const groups: { statement: Statement; others: Statement[] }[] = []
  for (const statement of findings.map(statementOf)) {
    const same = groups.find((group) => isSameStatement(group.statement, statement))
    if (same) same.others.push(statement)
    else groups.push({ statement, others: [] })
  }
  return groups.slice(0, maxFindings).map(({ statement, others }) => ({
    ...statement.finding,
    support: others.slice(0, maxSupport).map(({ finding: { quote, file, line } }) => ({ quote, file, line })),
  }))
}

function isSameStatement(a: Statement, b: Statement): boolean {
  if (a.finding.quote === b.finding.quote) return true
  return similarityOf(a.terms, b.terms) >= sameStatement && conflictOf(a, b) === undefined
}
