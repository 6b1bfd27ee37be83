/** The sums and means of an experiment, of each side and between both. */
import type { DatasetCase } from '../datasets/dataset.ts'
import { type Agreement, agreementOf } from '../scorers/agreement.ts'
import type { CaseResult, ExperimentDifference, ExperimentSide, ExperimentTotal, SideTotal } from './experiment.ts'

export interface TotalOptions {
  readonly scorers: readonly string[]
  readonly cases: readonly Pick<DatasetCase, 'id' | 'labels'>[]
  readonly hasAgainst: boolean
}

export function experimentTotals(results: readonly CaseResult[], options: TotalOptions): ExperimentTotal {
  const of = (side: ExperimentSide) => results.filter((result) => result.side === side)
  const scoring = { tokens: sum(results, ({ scoring: { tokens } }) => tokens), cost: sum(results, costOfScoring) }
  const candidate = sideTotal(of('candidate'), options)
  if (!options.hasAgainst) return { candidate, scoring }
  const difference = differenceOf(of('candidate'), of('against'), options.scorers)
  return { candidate, against: sideTotal(of('against'), options), difference, scoring }
}

const costOfScoring = ({ scoring: { cost } }: CaseResult) => cost

function sideTotal(results: readonly CaseResult[], { scorers, cases }: TotalOptions): SideTotal {
  const rated = results.filter(isRated)
  const count = (status: CaseResult['status']) => results.filter((result) => result.status === status).length
  const agreement = agreements(rated, scorers, cases)
  return {
    ...means(rated, scorers),
    scored: count('scored'),
    failed: count('failed'),
    unscored: count('unscored'),
    skipped: count('skipped'),
    ...sums(results),
    ...(Object.keys(agreement).length === 0 ? {} : { agreement }),
  }
}

function differenceOf(
  candidates: readonly CaseResult[],
  others: readonly CaseResult[],
  scorers: readonly string[],
): ExperimentDifference {
  const byCase = new Map(others.filter(isRated).map((result) => [result.case, result]))
  const paired = candidates.filter(isRated).flatMap((candidate) => {
    const against = byCase.get(candidate.case)
    return against ? [{ candidate, against }] : []
  })
  const of = (side: ExperimentSide) => {
    const results = paired.map((both) => both[side])
    return { ...means(results, scorers), ...sums(results) }
  }
  const [candidate, against] = [of('candidate'), of('against')]
  const minus = (name: 'quality' | 'steps' | 'tokens' | 'cost' | 'durationMs') => candidate[name] - against[name]
  const differ = (sign: number) =>
    paired.filter((both) => Math.sign((both.candidate.quality ?? 0) - (both.against.quality ?? 0)) === sign).length
  return {
    quality: minus('quality'),
    scores: Object.fromEntries(
      scorers.map((name) => [name, (candidate.scores[name] ?? 0) - (against.scores[name] ?? 0)]),
    ),
    steps: minus('steps'),
    tokens: minus('tokens'),
    cost: minus('cost'),
    durationMs: minus('durationMs'),
    better: differ(1),
    worse: differ(-1),
    same: differ(0),
  }
}

const isRated = ({ status }: CaseResult) => status === 'scored' || status === 'failed'

function means(results: readonly CaseResult[], scorers: readonly string[]): Pick<SideTotal, 'quality' | 'scores'> {
  const mean = (of: (result: CaseResult) => number) => (results.length === 0 ? 0 : sum(results, of) / results.length)
  return {
    quality: mean(({ quality = 0 }) => quality),
    scores: Object.fromEntries(scorers.map((name) => [name, mean(({ scores }) => scores[name]?.score ?? 0)])),
  }
}

const sums = (results: readonly CaseResult[]) => ({
  steps: sum(results, ({ steps }) => steps),
  tokens: sum(results, ({ tokens }) => tokens),
  cost: sum(results, ({ cost }) => cost),
  durationMs: sum(results, ({ durationMs }) => durationMs),
})

const sum = (results: readonly CaseResult[], of: (result: CaseResult) => number): number =>
  results.reduce((all, result) => all + of(result), 0)

/** A failed run has no verdict to compare. */
function agreements(
  results: readonly CaseResult[],
  scorers: readonly string[],
  cases: TotalOptions['cases'],
): Readonly<Record<string, Agreement>> {
  const labels = new Map(cases.map((one) => [one.id, one.labels]))
  const found = scorers.flatMap((name) => {
    const pairs = results.flatMap((result) => {
      const label = labels.get(result.case)?.[name]
      const verdict = result.status === 'scored' ? result.scores[name] : undefined
      return label === undefined || !verdict ? [] : [[verdict.choice ?? String(verdict.score), String(label)] as const]
    })
    return pairs.length === 0 ? [] : [[name, agreementOf(pairs)] as const]
  })
  return Object.fromEntries(found)
}
