/** Charts of throughput, latency, failures, tokens and cost over time. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Suspense, useMemo } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { count, lasting, money } from '../format.ts'
import { visible } from '../visible.ts'
import { Answer, Nothing } from './answer.tsx'
import type { ChartProps, ChartSeries } from './chart.tsx'
import { lazyPart } from './load-part.ts'
import { Section } from './section.tsx'
import { Flex, Select, Text } from './ui.tsx'
import { rangeOptions, startOf, type UsageRange, usageRanges, usageRefreshMs } from './usage-ranges.ts'

const Chart = lazyPart(() => import('./chart.tsx'))

type UsageInterval = AnswerOf<'usage.history'>['items'][number]

const noTeam = { value: '', label: 'all teams' }

export function useUsageHistory(range: UsageRange) {
  const query = { from: new Date(startOf(range)).toISOString(), interval: usageRanges[range].interval }
  return useAnswer('usage.history', { query, every: usageRefreshMs })
}

/** @param isSmall shows failed runs in the chart of the started ones, of the last 24 hours */
export function UsageCharts({ isSmall = false }: { readonly isSmall?: boolean }) {
  const { range: chosen = 'day', team } = useSearch({ strict: false })
  const range = isSmall ? 'day' : chosen
  const navigate = useNavigate()
  const choose = (change: { readonly range?: UsageRange; readonly team?: string | undefined }) =>
    void navigate({ to: '.', search: (search) => ({ ...search, ...change }), replace: true })
  const { label } = usageRanges[range]
  const first = startOf(range)
  const history = useUsageHistory(range)
  const all = history.data?.items ?? []
  const teams = [...new Set([...all.flatMap((item) => item.team ?? []), ...(team === undefined ? [] : [team])])].sort()
  const choices = (
    <Flex gap="2" wrap="wrap">
      <Select
        label="Team"
        value={team ?? ''}
        onChoose={(name) => choose({ team: name === '' ? undefined : name })}
        options={[noTeam, ...teams.map((name) => ({ value: name, label: visible(name) }))]}
      />
      {!isSmall && (
        <Select label="Range" value={range} onChoose={(value) => choose({ range: value })} options={rangeOptions} />
      )}
    </Flex>
  )
  const shown = { range, first, isSmall, isOneTeam: team !== undefined }
  return (
    <Section title={isSmall ? 'Last 24 hours' : 'Over time'} beside={choices}>
      {history.data === undefined && !history.error ? (
        <ChartPlaceholders isSmall={isSmall} />
      ) : (
        <Answer of={history}>
          {({ items }) => {
            const ofTeam = team === undefined ? items : items.filter((item) => item.team === team)
            return ofTeam.length === 0 ? (
              <Nothing>
                {team === undefined ? 'No run' : `No run of ${visible(team)}`} was started in {label}.
              </Nothing>
            ) : (
              <Charts {...shown} items={ofTeam} />
            )
          }}
        </Answer>
      )}
    </Section>
  )
}

/** Reserves the space of the charts while values or the chart itself load, so that nothing moves later. */
function ChartPlaceholders({ isSmall }: { readonly isSmall: boolean }) {
  const names = isSmall ? ['runs', 'duration', 'tokens', 'cost'] : ['runs', 'failed', 'duration', 'tokens', 'cost']
  return (
    <div className="charts" aria-busy="true">
      {names.map((name) => (
        <div key={name} className="chart" />
      ))}
    </div>
  )
}

interface ChartsProps {
  readonly items: readonly UsageInterval[]
  readonly range: UsageRange
  /** ms since 1970 of the first interval. */
  readonly first: number
  readonly isSmall: boolean
  readonly isOneTeam: boolean
}

function Charts({ items, range, first, isSmall, isOneTeam }: ChartsProps) {
  const { times, runs, failed, tokens, cost, latency } = useMemo(
    () => seriesOf(items, range, first),
    [items, range, first],
  )
  return (
    <Suspense fallback={<ChartPlaceholders isSmall={isSmall} />}>
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
    </Suspense>
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
