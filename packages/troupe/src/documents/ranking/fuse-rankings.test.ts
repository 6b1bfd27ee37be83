import { expect, it } from 'vitest'
import { fuseRankings } from './fuse-rankings.ts'
import type { RankedUnit } from './rank-units.ts'

const ranked = (start: number, coverage: number) =>
  ({ document: 'a.md', unit: { start, end: start + 5 }, coverage, score: 100 - start }) as RankedUnit
const similar = (start: number, similarity: number, document = 'a.md') => ({
  document,
  start,
  end: start + 5,
  similarity,
})

it('Fused rankings score 1 / (60 + rank) in each ranking that holds a unit.', () => {
  const fused = fuseRankings(
    [ranked(10, 1), ranked(20, 0.5), ranked(30, 0), ranked(40, 0)],
    [similar(30, 0.9), similar(20, 0.8), similar(10, 0.7, 'other.md')],
  )
  expect(fused.map(({ unit, score, similarity }) => [unit.start, score, similarity])).toEqual([
    [20, 1 / 62 + 1 / 62, 0.8],
    [10, 1 / 61, undefined],
    [30, 1 / 61, 0.9],
  ])
})
