/** Charts of throughput, latency, failures, tokens and cost over time. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useMemo } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { count, lasting, money } from '../format.ts'
import { Answer, Nothing } from './answer.tsx'
import type { ChartProps, ChartSeries } from './chart.tsx'
import { Section } from './section.tsx'
import { Select, Text } from './ui.tsx'
import { rangeOptions, startOf, type UsageRange, usageRanges, usageRefreshMs } from './usage-ranges.ts'

const Chart = lazy(() => import('./chart.tsx'))

type UsageInterval = AnswerOf<'usage.history'>['items'][number]

/** @param isSmall shows throughput, latency and cost alone, of the last 24 hours */
export function UsageCharts({ isSmall = false }: { readonly isSmall?: boolean }) {
  const { range = 'day' } = useSearch({ strict: false })
  const navigate = useNavigate()
  const choose = (chosen: UsageRange) =>
    void navigate({ to: '.', search: (search) => ({ ...search, range: chosen }), replace: true })
  const { interval, length, intervals } = usageRanges[range]
  const first = startOf(range)
  const history = useAnswer('usage.history', {
    query: { from: new Date(first).toISOString(), interval },
    every: usageRefreshMs,
  })
  const choice = isSmall ? undefined : <Select label="Range" value={range} onChoose={choose} options={rangeOptions} />
  return (
    <Section title={isSmall ? 'Last 24 hours' : 'Over time'} beside={choice}>
      <Answer of={history}>
        {({ items }) =>
          items.length === 0 ? (
            <Nothing>No run was started in {usageRanges[range].label}.</Nothing>
          ) : (
            <Charts items={items} first={first} length={length} intervals={intervals} isSmall={isSmall} />
          )
        }
      </Answer>
    </Section>
  )
}

interface ChartsProps {
  readonly items: readonly UsageInterval[]
  readonly first: number
  readonly length: number
  readonly intervals: number
  readonly isSmall: boolean
}

function Charts({ items, first, length, intervals, isSmall }: ChartsProps) {
  const { times, runs, tokens, cost, latency } = useMemo(
    () => seriesOf(items, first, length, intervals),
    [items, first, length, intervals],
  )
  return (
    <div className="charts">
      <Suspense fallback={<div className="chart" />}>
        <Chart title="Runs started" times={times} series={runs} format={count} />
        <Chart title="Duration, 95th percentile" times={times} series={latency} format={lasting} />
        {!isSmall && <Chart title="Tokens" times={times} series={tokens} format={count} />}
        <Cost items={items} times={times} series={cost} />
      </Suspense>
    </div>
  )
}

/** Zero dollars would be wrong for models whose price is unknown. */
function Cost({ items, times, series }: Pick<ChartsProps, 'items'> & Pick<ChartProps, 'times' | 'series'>) {
  const unpriced = items.reduce((sum, one) => sum + one.unpriced, 0)
  if (unpriced === 0) return <Chart title="Cost" times={times} series={series} format={money} />
  const some = `${count(unpriced)} ${unpriced === 1 ? 'run' : 'runs'}`
  if (items.some(({ cost }) => cost > 0))
    return (
      <Chart title={`Cost, without models of unknown price in ${some}`} times={times} series={series} format={money} />
    )
  return (
    <Text as="p" color="gray" className="chart">
      Cost: price unknown for the models of {some}. Name their prices under `prices` in the configuration.
    </Text>
  )
}

function seriesOf(items: readonly UsageInterval[], first: number, length: number, intervals: number) {
  const times = Array.from({ length: intervals }, (_, i) => first + i * length)
  const at = times.map((time) => items.filter((item) => Date.parse(item.at) === time))
  const sums = (field: 'runs' | 'failed' | 'tokens' | 'cost', colour: ChartSeries['colour'] = 'mark'): ChartSeries => ({
    name: field,
    colour,
    values: at.map((group) => group.reduce((sum, one) => sum + one[field], 0)),
  })
  // The percentile of several teams together is not known: the highest is the one to act on.
  const slowest = at.map((group) => {
    const known = group.flatMap(({ durationMs }) => (durationMs ? [durationMs.p95] : []))
    return known.length === 0 ? null : Math.max(...known)
  })
  return {
    times,
    runs: [sums('runs'), sums('failed', 'fail-fill')],
    latency: [{ name: 'slowest team', colour: 'mark', values: slowest }] satisfies ChartSeries[],
    tokens: [sums('tokens')],
    cost: [sums('cost')],
  }
}
