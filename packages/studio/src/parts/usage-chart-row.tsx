/** The charts of usage beside each other. They load with the code that draws a chart, after what stands above them. */
import { useMemo } from 'react'
import type { AnswerOf } from 'troupe/client'
import { count, lasting, money } from '../format.ts'
import Chart, { type ChartProps, type ChartSeries } from './chart.tsx'
import { Text } from './ui.tsx'
import { type UsageRange, usageRanges } from './usage-ranges.ts'

type UsageInterval = AnswerOf<'usage.history'>['items'][number]

interface ChartsProps {
  readonly items: readonly UsageInterval[]
  readonly range: UsageRange
  /** ms since 1970 of the first interval. */
  readonly first: number
  readonly isSmall: boolean
  readonly isOneTeam: boolean
}

export default function UsageChartRow({ items, range, first, isSmall, isOneTeam }: ChartsProps) {
  const { times, runs, failed, tokens, cost, latency } = useMemo(
    () => seriesOf(items, range, first),
    [items, range, first],
  )
  return (
    <div className="charts">
      <Chart title="Runs started" times={times} series={isSmall ? [...runs, ...failed] : runs} format={count} />
      {!isSmall && <Chart title="Runs failed" times={times} series={failed} format={count} />}
      <Chart
        title={isOneTeam ? 'Duration of runs' : 'Duration, slowest team'}
        times={times}
        series={latency}
        format={lasting}
      />
      <Chart title="Tokens" times={times} series={tokens} format={count} />
      <Cost items={items} times={times} series={cost} />
    </div>
  )
}

/** Zero dollars would be wrong for models whose price is unknown. */
function Cost({ items, times, series }: Pick<ChartsProps, 'items'> & Pick<ChartProps, 'times' | 'series'>) {
  const unpriced = items.reduce((sum, one) => sum + one.unpriced, 0)
  if (unpriced === 0) return <Chart title="Cost" times={times} series={series} format={money} />
  const some = `${count(unpriced)} ${unpriced === 1 ? 'run' : 'runs'}`
  if (items.some(({ cost }) => cost > 0))
    return <Chart title={`Cost, ${some} not priced`} times={times} series={series} format={money} />
  return (
    <Text as="p" color="gray" className="chart">
      Cost: price unknown for the models of {some}. Name their prices under <code>prices</code> in the configuration.
    </Text>
  )
}

function seriesOf(items: readonly UsageInterval[], range: UsageRange, first: number) {
  const { length, intervals } = usageRanges[range]
  const times = Array.from({ length: intervals }, (_, i) => first + i * length)
  const at = times.map((time) => items.filter((item) => Date.parse(item.at) === time))
  const sums = (
    field: 'runs' | 'failed' | 'tokens' | 'cost',
    colour: ChartSeries['colour'] = 'mark',
  ): ChartSeries[] => [
    { name: field, colour, values: at.map((group) => group.reduce((sum, one) => sum + one[field], 0)) },
  ]
  // The percentile of several teams together is not known: the highest is the one to act on.
  const slowest = (percentile: 'p50' | 'p95') =>
    at.map((group) => {
      const known = group.flatMap(({ durationMs }) => (durationMs ? [durationMs[percentile]] : []))
      return known.length === 0 ? null : Math.max(...known)
    })
  return {
    times,
    runs: sums('runs'),
    failed: sums('failed', 'fail-fill'),
    latency: [
      { name: 'p95', colour: 'mark', values: slowest('p95') },
      { name: 'median', colour: 'live-fill', values: slowest('p50') },
    ] satisfies ChartSeries[],
    tokens: sums('tokens'),
    cost: sums('cost'),
  }
}
