/** A chart of values over time, with the same values as a table behind a button. It loads when the first chart is shown. */
import { useEffect, useRef, useState } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useAppearance } from '../appearance.tsx'
import { when } from '../format.ts'
import { type Column, DataTable, fromRow } from './data-table.tsx'
import { Button, Flex, Text } from './ui.tsx'

export interface ChartSeries {
  readonly name: string
  /** Null where nothing is known; one value for each time. */
  readonly values: readonly (number | null)[]
  /** The token of the style sheet that colours it. */
  readonly colour: 'mark' | 'fail-fill' | 'live-fill'
}

export interface ChartProps {
  readonly title: string
  /** ms since 1970, in their order. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number) => string
  /** The end of the axis of values; by default the highest value has room below it. */
  readonly top?: number
}

/** px; page.css reserves the same. */
const height = 150

export default function Chart(props: ChartProps) {
  const { title, times, series, format } = props
  const [isTable, setIsTable] = useState(false)
  return (
    <figure className="chart" aria-label={title}>
      <Flex align="center" justify="between" gap="2">
        <Text bold className="break">
          {title}
        </Text>
        <Button
          look="soft"
          small
          aria-label={`${isTable ? 'Chart' : 'Table'} of ${title}`}
          onClick={() => setIsTable(!isTable)}
        >
          {isTable ? 'Chart' : 'Table'}
        </Button>
      </Flex>
      {isTable ? <ValueTable title={title} times={times} series={series} format={format} /> : <Drawing {...props} />}
    </figure>
  )
}

/** px for the longest label and its tick; uPlot knows no labels when it asks first. */
const axisSize = (_: UPlot, labels: readonly string[] | null) =>
  Math.max(64, 20 + 6.5 * Math.max(0, ...(labels ?? []).map(({ length }) => length)))

/** s between two ticks: a tick between two seconds tells nothing of runs. */
const [minute, hour, day] = [60, 3_600, 86_400]
const tickDistances = [
  ...[1, 5, 15, 30],
  ...[1, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 28, 91, 364].map((count) => count * day),
]
/** s that the axis of times has at least. */
const shortestSpan = 10

const clock = { hour: 'numeric', minute: '2-digit' } as const
const tickFormats = {
  seconds: new Intl.DateTimeFormat(undefined, { ...clock, second: '2-digit' }),
  minutes: new Intl.DateTimeFormat(undefined, clock),
  days: new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' }),
}

function tickTexts(ticks: readonly number[], distance: number): string[] {
  const format = distance < minute ? tickFormats.seconds : distance < day ? tickFormats.minutes : tickFormats.days
  return ticks.map((seconds) => format.format(seconds * 1_000))
}

function timeRange(low: number, high: number): [number, number] {
  const missing = Math.max(0, shortestSpan - (high - low)) / 2
  return [low - missing, high + missing]
}

function Drawing({ title, times, series, format, top }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const appearance = useAppearance()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours of the style sheet follow the appearance
  useEffect(() => {
    const element = box.current
    if (!element) return
    const style = getComputedStyle(element)
    const probe = document.createElement('span')
    element.append(probe)
    const colourOf = (token: string) => {
      probe.style.color = `var(--${token})`
      return getComputedStyle(probe).color
    }
    const [ink, line] = [colourOf('ink-3'), colourOf('line')]
    const axis = { stroke: ink, font: `11px ${style.fontFamily}`, grid: { stroke: line }, ticks: { stroke: line } }
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height,
        legend: { live: true },
        cursor: { drag: { x: false, y: false } },
        scales: {
          x: { range: (_, low, high) => timeRange(low, high) },
          y: { range: (_, __, high) => [0, (top ?? (high > 0 ? high : 1)) * 1.1] },
        },
        axes: [
          {
            ...axis,
            incrs: tickDistances,
            // The longest text of a locale, and a gap.
            space: 88,
            values: (_, ticks, __, ___, distance) => tickTexts(ticks, distance),
          },
          { ...axis, size: axisSize, values: (_, ticks) => ticks.map(format) },
        ],
        // Without a pointer over the chart the legend names the last interval.
        series: [
          { value: (_, seconds, __, idx) => when(idx === null ? (times.at(-1) ?? 0) : seconds * 1_000) },
          ...series.map(({ name, colour, values }) => ({
            label: name,
            stroke: colourOf(colour),
            fill: `color-mix(in srgb, ${colourOf(colour)} 15%, transparent)`,
            width: 1.5,
            // A value between two gaps has no line.
            points: { show: true, size: 4 },
            value: (_: UPlot, value: number | null, __: number, idx: number | null) => {
              const shown = idx === null ? values.at(-1) : value
              return shown === null || shown === undefined ? '–' : format(shown)
            },
          })),
        ],
      },
      [times.map((ms) => ms / 1_000), ...series.map(({ values }) => [...values])],
      element,
    )
    probe.remove()
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      plot.destroy()
    }
  }, [times, series, format, top, appearance])
  return <div ref={box} className="chart-box" role="img" aria-label={`Chart of ${title}; Table shows its values`} />
}

interface ValueRow {
  readonly at: number
  /** An entry for each series. */
  readonly values: readonly (number | undefined)[]
}

function ValueTable({ title, times, series, format }: ChartProps) {
  const rows = times.map((at, i): ValueRow => ({ at, values: series.map(({ values }) => values[i] ?? undefined) }))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by the keyboard too
    <section className="chart-table" aria-label={`Values of ${title}`} tabIndex={0}>
      <DataTable
        columns={[
          { id: 'from', header: 'From', accessorFn: ({ at }) => at, cell: fromRow(({ at }) => when(at)) },
          ...series.map(
            ({ name }, i): Column<ValueRow> => ({
              id: `series ${i}`,
              header: name,
              accessorFn: ({ values }) => values[i],
              cell: fromRow(({ values: { [i]: value } }) => (value === undefined ? '' : format(value))),
              meta: { numeric: true },
            }),
          ),
        ]}
        rows={rows}
        rowKey={({ at }) => at}
      />
    </section>
  )
}
