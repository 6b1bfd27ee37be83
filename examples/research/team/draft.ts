/** Puts the sections of the draft together: what the Writer wrote, with the passages that say the same. */
import { type Claim, Claims, type Drafted, limits, type Ranked } from './shapes.ts'

/**
 * Returns each passage once with the other places that the Analyst found for it, or each sentence of a Writer that has words of
 * its own. Claims that are nothing but passages have no order of meaning, so they are in the order of the Analyst's ranks.
 */
export function withSupport(claims: readonly Claim[], ranked: readonly Ranked[]): Drafted[] {
  const seen = new Set<string>()
  const rankOf = (claim: Claim) => {
    const rank = ranked.findIndex((finding) => finding.file === claim.file && finding.quote === claim.quote)
    return rank < 0 ? ranked.length : rank
  }
  const extracted = claims.every(({ claim, quote }) => claim === quote)
  return (extracted ? claims.toSorted((a, b) => rankOf(a) - rankOf(b)) : claims)
    .filter(({ claim, quote, file }) => {
      const key = `${file}\n${quote}${extracted ? '' : `\n${claim}`}`
      return !seen.has(key) && seen.add(key) !== undefined
    })
    .slice(0, limits.findings)
    .map((claim) => ({
      ...claim,
      support:
        ranked.find(({ file, line, quote }) => file === claim.file && line === claim.line && quote === claim.quote)
          ?.support ?? [],
    }))
}

/** What a Writer is given for one section. A claim that only repeats its passage is left out. */
export const briefOf = (question: string, ranked: readonly Ranked[]) => ({
  question,
  findings: ranked.map(({ claim, quote, file, line, heading }) => ({
    ...(claim === quote ? {} : { claim }),
    quote,
    file,
    line,
    ...(heading === null ? {} : { heading }),
  })),
})

export const claimsOf = (value: unknown): readonly Claim[] => Claims.parse(value).claims
