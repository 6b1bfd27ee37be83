/**
 * Ranks the findings of one sub-question: by how much of what was asked each holds, rare words counting more, and by
 * how many places say the same. What says the same is one finding with several places.
 */
import { termsOf } from '../documents/index.ts'
import type { Claim, Ranked } from '../team/shapes.ts'
import { conflictOf } from './find-contradictions.ts'
import { type Statement, similarityOf, statementOf } from './statement.ts'

const maxFindings = 6
const maxSupport = 2
const sameStatement = 0.6
/** What is less than this share of the best is left out. */
const weakest = 0.6

export function rankFindings(question: string, findings: readonly Claim[]): Ranked[] {
  const statements = findings.map(statementOf).filter(({ finding }) => isStatement(finding))
  const weights = weightsOf([...new Set(termsOf(question))], statements)
  const scored = statements
    .map((statement, order) => ({ statement, order, score: scoreOf(statement, weights, order) }))
    .sort((a, b) => b.score - a.score || a.order - b.order)
  const groups: { statement: Statement; score: number; others: Statement[] }[] = []
  for (const { statement, score } of scored) {
    const same = groups.find((group) => isSameStatement(group.statement, statement))
    if (same) same.others.push(statement)
    else groups.push({ statement, score, others: [] })
  }
  const ranked = groups.map(({ statement, score, others }) => ({
    ...statement.finding,
    score: round(score + 0.1 * Math.min(others.length, 2)),
    support: others.slice(0, maxSupport).map(({ finding: { quote, file, line } }) => ({ quote, file, line })),
  }))
  ranked.sort((a, b) => b.score - a.score)
  const best = ranked[0]?.score ?? 0
  return ranked.filter(({ score }) => score > 0 && score >= best * weakest).slice(0, maxFindings)
}

function isSameStatement(a: Statement, b: Statement): boolean {
  if (a.finding.quote === b.finding.quote) return true
  return similarityOf(a.terms, b.terms) >= sameStatement && conflictOf(a, b) === undefined
}

/** A word that every finding holds tells them apart no more. */
function weightsOf(wanted: readonly string[], statements: readonly Statement[]): Map<string, number> {
  return new Map(
    wanted.map((term) => {
      const holding = statements.filter(({ terms }) => terms.has(term)).length
      return [term, Math.log(1 + (statements.length + 1) / (holding + 1))]
    }),
  )
}

function scoreOf({ finding, terms }: Statement, weights: ReadonlyMap<string, number>, order: number): number {
  const about = new Set(termsOf(finding.heading ?? ''))
  let held = 0
  let all = 0
  for (const [term, weight] of weights) {
    all += weight
    held += terms.has(term) ? weight : about.has(term) ? weight / 2 : 0
  }
  // The order in which the researcher named them counts a little.
  return (all === 0 ? 1 : held / all) + 0.2 / (1 + order) - (leansOnContext(finding) ? 0.3 : 0)
}

/** Lines that only lead to what follows them, and entries of lists of links, say nothing by themselves. */
function isStatement({ claim, quote }: Claim): boolean {
  if (claim !== quote) return true
  return !/:\s*$/.test(quote) && !/^\[[^\]]+\]\([^)]*\)\s*[-–—:]?/.test(quote) && quote.length >= 25
}

const leaning =
  /^(?:it|its|it's|they|this|that|these|those|he|she|instead|also|then|thus|so|but|and|in this way|here|in that case|otherwise|for example|let['’]s|see)\b/i

/** Goes on with the sentence before, or with something that it has named. A name such as `p-queue` may begin one too. */
const leansOnContext = ({ claim, quote }: Claim): boolean =>
  claim === quote && (leaning.test(quote) || /^[a-z]+ /.test(quote))

const round = (score: number) => Math.round(score * 1000) / 1000
