/**
 * Joins the ranking of units by words with their ranking by similarity: reciprocal rank fusion, which needs no scores that
 * can be compared (Cormack, Clarke and Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
 * Methods, SIGIR 2009). A unit scores 1 / (60 + rank) in each ranking that holds it.
 */
import type { SimilarUnit } from '../vector-index.ts'
import type { RankedUnit } from './rank-units.ts'

/** The constant k of the paper. */
const damping = 60

/**
 * @param byWords the units, best first; those that hold nothing of the question count in the other ranking alone
 * @param bySimilarity the most similar units, best first
 * @returns the units that one of the rankings holds, best first
 */
export function fuseRankings(byWords: readonly RankedUnit[], bySimilarity: readonly SimilarUnit[]): RankedUnit[] {
  const similar = new Map(bySimilarity.map((one, rank) => [keyOf(one.document, one), { ...one, rank }]))
  let wordRank = 0
  const fused = byWords.flatMap((ranked): RankedUnit[] => {
    const found = similar.get(keyOf(ranked.document, ranked.unit))
    const words = ranked.coverage > 0 ? 1 / (damping + ++wordRank) : 0
    const score = words + (found ? 1 / (damping + found.rank + 1) : 0)
    return score > 0 ? [{ ...ranked, score, ...(found ? { similarity: found.similarity } : {}) }] : []
  })
  // Sorting is stable: of equal scores, the order by words holds.
  return fused.sort((a, b) => b.score - a.score)
}

const keyOf = (document: string, { start, end }: { readonly start: number; readonly end: number }): string =>
  `${document}#${start}-${end}`
