/** The five figures of Home over the last 24 hours, each with its course and a link to the runs behind it. */
import { Link } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { count, lasting, money, percent, priced, timeOfDay } from '../format.ts'
import { Text } from '../parts/ui.tsx'
import { useUsageHistory } from '../parts/usage-charts.tsx'
import { startOf, usageRanges } from '../parts/usage-ranges.ts'
import type { RunsSearch } from '../routes.ts'
import { visible } from '../visible.ts'

type UsageInterval = AnswerOf<'usage.history'>['items'][number]
type Summed = 'runs' | 'failed' | 'tokens' | 'cost' | 'unpriced'

const { length, intervals } = usageRanges.day

export function DailyMetrics() {
  const { data } = useUsageHistory('day')
  if (data === undefined) return null
  const { total, course, slowest } = hoursOf(data.items)
  const latest = slowest.findLast((one) => one !== undefined)
  const [runs, failed] = [total('runs'), total('failed')]
  const each = (value: number, format: (value: number) => string) => (runs === 0 ? '' : `${format(value / runs)} a run`)
  const isPartial = total('unpriced') > 0
  return (
    <section className="figure-strip" aria-label="Figures of the day">
      <Metric
        name="Runs, 24 h"
        value={count(runs)}
        search={{}}
        note={`${count(course('runs').at(-1) ?? 0)} this hour`}
        course={course('runs')}
      />
      <Metric
        name="Failed"
        value={runs === 0 ? '–' : percent(failed / runs)}
        search={{ status: 'failed' }}
        note={`${count(failed)} ${failed === 1 ? 'run' : 'runs'}`}
        course={course('failed')}
        isBad
      />
      <Metric
        name="Slowest team, p95"
        value={latest === undefined ? '–' : `≤ ${lasting(latest.p95)}`}
        search={{ order: 'duration', ...(latest?.team === undefined ? {} : { team: latest.team }) }}
        note={latest === undefined ? 'no run has ended' : `${visible(latest.team ?? 'no team')}, ${hourOf(latest)}`}
        title={latest && describeDuration(latest)}
        course={slowest.map((one) => one?.p95 ?? 0)}
      />
      <Metric
        name="Tokens"
        value={count(total('tokens'))}
        search={{ order: 'tokens' }}
        note={each(total('tokens'), (value) => count(Math.round(value)))}
        course={course('tokens')}
      />
      <Metric
        name="Cost"
        value={priced(total('cost'), isPartial)}
        search={{ order: 'cost' }}
        note={isPartial ? `${count(total('unpriced'))} not priced` : each(total('cost'), money)}
        course={course('cost')}
      />
    </section>
  )
}

/** The sums of all teams for each hour. A percentile of all teams is not known: the slowest team has the highest one. */
function hoursOf(items: readonly UsageInterval[]) {
  const first = startOf('day')
  const hours = Array.from({ length: intervals }, (_, i) =>
    items.filter(({ at }) => Date.parse(at) === first + i * length),
  )
  const sum = (group: readonly UsageInterval[], field: Summed) => group.reduce((all, one) => all + one[field], 0)
  return {
    total: (field: Summed) => sum(items, field),
    course: (field: Summed) => hours.map((group) => sum(group, field)),
    slowest: hours.map((group) =>
      group
        .flatMap(({ at, team, durationMs }): Slowest[] => (durationMs ? [{ at, team, ...durationMs }] : []))
        .reduce<Slowest | undefined>((a, b) => (a === undefined || b.p95 > a.p95 ? b : a), undefined),
    ),
  }
}

/** The team of an hour with the longest runs. */
interface Slowest {
  readonly at: string
  readonly team: string | undefined
  readonly p95: number
  readonly p50: number
}

const hourOf = ({ at }: Slowest) => `${timeOfDay(Date.parse(at))}–${timeOfDay(Date.parse(at) + length)}`

const describeDuration = (slowest: Slowest) =>
  `From start to end of the runs started ${hourOf(slowest)}, waits included; median ≤ ${lasting(slowest.p50)}. Bounds are up to 1.4 times too long.`

interface MetricProps {
  readonly name: string
  readonly value: string
  readonly note: string
  readonly title?: string | undefined
  /** The runs that the figure is about. */
  readonly search: RunsSearch
  /** The values of the hours, the oldest first. */
  readonly course: readonly number[]
  /** Whether a value above zero needs the reader. */
  readonly isBad?: boolean
}

function Metric({ name, value, note, title, search, course, isBad }: MetricProps) {
  const highest = Math.max(...course, Number.MIN_VALUE)
  return (
    <Link to="/runs" search={search} title={title} className="figure-link">
      <Text size="small" color="gray">
        {name}
      </Text>
      <span className="figure-value">{value}</span>
      <svg viewBox={`0 0 ${course.length * 4} 28`} className={isBad ? 'course bad' : 'course'} aria-hidden="true">
        {course.map((one, i) => {
          const tall = one === 0 ? 1 : Math.max(2, (one / highest) * 28)
          const look = one === 0 ? 'none' : undefined
          // biome-ignore lint/suspicious/noArrayIndexKey: an hour is known by its place
          return <rect key={i} className={look} x={i * 4} y={28 - tall} width="3" height={tall} />
        })}
      </svg>
      <Text size="small" color="gray">
        {note}
      </Text>
    </Link>
  )
}
