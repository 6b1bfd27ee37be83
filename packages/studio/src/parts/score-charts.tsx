/** Charts of the online scores of live runs: one for each scorer and team. */
import { useNavigate } from '@tanstack/react-router'
import { Suspense, useMemo } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { evaluationsRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import type { ChartSeries } from './chart.tsx'
import { lazyPart } from './load-part.ts'
import { Section } from './section.tsx'
import { Select, Text } from './ui.tsx'
import { rangeOptions, startOf, type UsageRange, usageRanges } from './usage-ranges.ts'

const Chart = lazyPart(() => import('./chart.tsx'))

type ScoreInterval = AnswerOf<'scores.history'>['items'][number]

/** More charts would make the page slow. */
const maxCharts = 24

/** ms; no update speaks of scores, which come after the end of a run. */
const scoresEvery = 60_000

const scoreText = (score: number) => score.toFixed(2)

/** Draws nothing where no live run was scored, unless a range was chosen. */
export function ScoreCharts() {
  const { range: chosen } = evaluationsRoute.useSearch()
  const range = chosen ?? 'month'
  const navigate = useNavigate()
  const first = startOf(range)
  const { data } = useAnswer('scores.history', {
    query: { from: new Date(first).toISOString(), interval: usageRanges[range].interval },
    every: scoresEvery,
  })
  const charts = useMemo(() => chartsOf(data?.items ?? [], range, first), [data, range, first])
  if (charts.length === 0 && chosen === undefined) return null
  const choices = (
    <Select
      label="Range"
      value={range}
      onChoose={(value) => void navigate({ to: '.', search: (search) => ({ ...search, range: value }), replace: true })}
      options={rangeOptions}
    />
  )
  return (
    <Section title="Live runs" beside={choices}>
      {charts.length === 0 && <Text color="gray">No live run was scored in {usageRanges[range].label}.</Text>}
      {charts.length > maxCharts && (
        <Text color="gray">
          The first {maxCharts} of {charts.length} charts; the command <code>troupe experiments scores</code> shows all.
        </Text>
      )}
      <div className="charts">
        <Suspense fallback={<div className="chart" />}>
          {charts.slice(0, maxCharts).map(({ title, times, series }) => (
            <Chart key={title} title={title} times={times} series={series} format={scoreText} />
          ))}
        </Suspense>
      </div>
    </Section>
  )
}

function chartsOf(items: readonly ScoreInterval[], range: UsageRange, first: number) {
  const { length, intervals } = usageRanges[range]
  const times = Array.from({ length: intervals }, (_, i) => first + i * length)
  const groups = Map.groupBy(items, ({ scorer, team }) =>
    team === undefined ? `Score ${visible(scorer)}, no team` : `Score ${visible(scorer)} of ${visible(team)}`,
  )
  return [...groups].map(([title, found]) => {
    const at = new Map(found.map((one) => [Date.parse(one.at), one]))
    const series: readonly ChartSeries[] = [
      { name: 'mean', colour: 'mark', values: times.map((time) => at.get(time)?.mean ?? null) },
      { name: 'lowest', colour: 'fail-fill', values: times.map((time) => at.get(time)?.min ?? null) },
    ]
    return { title, times, series }
  })
}
