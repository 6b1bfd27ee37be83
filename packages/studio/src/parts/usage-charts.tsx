/** Charts of throughput, latency, failures, tokens and cost over time, and the sums of each team. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useMemo } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { count, lasting, money, priced } from '../format.ts'
import { visible } from '../visible.ts'
import { Answer, Nothing } from './answer.tsx'
import type { ChartProps, ChartSeries } from './chart.tsx'
import { Section } from './section.tsx'
import { Select, Table, Text } from './ui.tsx'

const Chart = lazy(() => import('./chart.tsx'))

type UsageInterval = AnswerOf<'usage.history'>['items'][number]

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const ranges = {
  day: { label: 'the last 24 hours', interval: 'hour', length: hourMs, intervals: 24 },
  week: { label: 'the last 7 days', interval: 'hour', length: hourMs, intervals: 7 * 24 },
  month: { label: 'the last 30 days', interval: 'day', length: dayMs, intervals: 30 },
} as const
type Range = keyof typeof ranges
const rangeOptions = Object.entries(ranges).map(([value, { label }]) => ({ value: value as Range, label }))
/** ms after which the charts are read again. */
const refreshMs = 60_000

/** @param isSmall shows throughput, latency and cost alone, of the last 24 hours */
export function UsageCharts({ isSmall = false }: { readonly isSmall?: boolean }) {
  const { range = 'day' } = useSearch({ strict: false })
  const navigate = useNavigate()
  const choose = (chosen: Range) =>
    void navigate({ to: '.', search: (search) => ({ ...search, range: chosen }), replace: true })
  const { interval, length, intervals } = ranges[range]
  // The start stays the same for a whole interval, so that the answer stays in the cache of the page.
  const first = (Math.floor(Date.now() / length) - intervals + 1) * length
  const history = useAnswer('usage.history', {
    query: { from: new Date(first).toISOString(), interval },
    every: refreshMs,
  })
  const choice = isSmall ? undefined : <Select label="Range" value={range} onChoose={choose} options={rangeOptions} />
  return (
    <Section title={isSmall ? 'Last 24 hours' : 'Over time'} beside={choice}>
      <Answer of={history}>
        {({ items }) =>
          items.length === 0 ? (
            <Nothing>No run was started in {ranges[range].label}.</Nothing>
          ) : (
            <>
              <Charts items={items} first={first} length={length} intervals={intervals} isSmall={isSmall} />
              {!isSmall && <Teams items={items} />}
            </>
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

/** The most expensive team comes first. */
function Teams({ items }: { readonly items: readonly UsageInterval[] }) {
  const teams = new Map<string, Pick<UsageInterval, 'runs' | 'failed' | 'tokens' | 'cost' | 'unpriced'>>()
  for (const { team = 'no team', runs, failed, tokens, cost, unpriced } of items) {
    const sum = teams.get(team) ?? { runs: 0, failed: 0, tokens: 0, cost: 0, unpriced: 0 }
    teams.set(team, {
      runs: sum.runs + runs,
      failed: sum.failed + failed,
      tokens: sum.tokens + tokens,
      cost: sum.cost + cost,
      unpriced: sum.unpriced + unpriced,
    })
  }
  return (
    <Table>
      <thead>
        <tr>
          <th scope="col">Team</th>
          {['Runs', 'Failed', 'Tokens', 'Cost'].map((name) => (
            <th key={name} scope="col" className="figure">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {[...teams]
          .sort(([, a], [, b]) => b.cost - a.cost || b.runs - a.runs)
          .map(([team, { runs, failed, tokens, cost, unpriced }]) => (
            <tr key={team}>
              <th scope="row" className="break">
                {visible(team)}
              </th>
              <td className="figure">{count(runs)}</td>
              <td className="figure">{count(failed)}</td>
              <td className="figure">{count(tokens)}</td>
              <td className="figure">{priced(cost, unpriced > 0)}</td>
            </tr>
          ))}
      </tbody>
    </Table>
  )
}
