/** Experiments over time: the quality of teams on data sets, and the result of each case. */
import { Link } from '@tanstack/react-router'
import { Suspense, useMemo } from 'react'
import type { AnswerOf, ItemOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { count, lasting, money, percent, when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import type { ChartSeries } from '../parts/chart.tsx'
import { type Column, DataTable, fromRow } from '../parts/data-table.tsx'
import { lazyPart } from '../parts/load-part.ts'
import { isPartOfList, Pager } from '../parts/pager.tsx'
import { ScoreCharts } from '../parts/score-charts.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Text } from '../parts/ui.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { evaluationRoute, evaluationsRoute } from '../routes.ts'
import { visible } from '../visible.ts'

type Experiment = AnswerOf<'experiments.get'>
type Summary = ItemOf<'experiments.list'>
type CaseResult = Experiment['results'][number]
type SideTotal = Experiment['total']['candidate']
type TotalRow = readonly [name: string, textOf: (side: SideTotal) => string]

const Chart = lazyPart(() => import('../parts/chart.tsx'))

/** The change of a percentage is in percentage points. */
const points = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, signDisplay: 'exceptZero' })

export function Evaluations() {
  const { after } = evaluationsRoute.useSearch()
  const experiments = useAnswer('experiments.list', { query: { limit: 50, cursor: after?.at(-1) }, every: 10_000 })
  return (
    <>
      <ViewHeader title="Evaluations" />
      <ScoreCharts />
      <Answer
        of={experiments}
        none={{
          when: ({ items }) => items.length === 0 && after === undefined,
          text: (
            <>
              No experiment has started. Evaluate a team on a data set from a terminal:{' '}
              <code>troupe evaluate cases.jsonl --team TEAM</code>.
            </>
          ),
        }}
      >
        {({ items, cursor }) => (
          <>
            {[...byDataset(items)].map(([dataset, experimentsOf]) => (
              <Section key={dataset} title={visible(dataset)}>
                <QualityCharts experiments={experimentsOf} />
                <Experiments experiments={experimentsOf} isPart={isPartOfList(after, cursor)} />
              </Section>
            ))}
            <Pager next={cursor} back="Newer" on="Older" />
          </>
        )}
      </Answer>
    </>
  )
}

/** The newest first, as the server lists them. */
function byDataset(experiments: readonly Summary[]): ReadonlyMap<string, readonly Summary[]> {
  const found = new Map<string, Summary[]>()
  for (const one of experiments) {
    const others = found.get(one.dataset.name)
    if (others) others.push(one)
    else found.set(one.dataset.name, [one])
  }
  return found
}

/** A version is a digest: so many of its characters tell versions apart. */
const shownVersion = 8

/** The quality of each team on one version of a data set over time; a single experiment is no course. */
function QualityCharts({ experiments }: { readonly experiments: readonly Summary[] }) {
  const courses = useMemo(() => coursesOf(experiments), [experiments])
  if (courses.length === 0) return null
  return (
    <div className="charts">
      <Suspense fallback={<div className="chart" />}>
        {courses.map(({ title, times, series }) => (
          <Chart key={title} title={title} times={times} series={series} format={percent} top={1} />
        ))}
      </Suspense>
    </div>
  )
}

function coursesOf(experiments: readonly Summary[]) {
  const groups = Map.groupBy(
    experiments.filter(({ total }) => total !== undefined),
    ({ candidate, dataset }) => `${dataset.version} ${candidate.name}`,
  )
  return [...groups.values()].flatMap((found) => {
    const course = found.toReversed()
    const [first] = course
    if (!first || course.length < 2) return []
    const series: readonly ChartSeries[] = [
      { name: 'quality', colour: 'mark', values: course.map(({ total }) => total?.candidate.quality ?? null) },
    ]
    const title = `Quality of ${visible(first.candidate.name)}, version ${first.dataset.version.slice(0, shownVersion)}`
    return [{ title, times: course.map(({ startedAt }) => Date.parse(startedAt)), series }]
  })
}

interface ExperimentsProps {
  readonly experiments: readonly Summary[]
  readonly isPart: boolean
}

/** The experiments of one data set: each with its quality, and the change against the one before of the same team. */
function Experiments({ experiments, isPart }: ExperimentsProps) {
  return (
    <DataTable
      columns={[
        {
          header: 'Experiment',
          cell: fromRow(({ id, status }) => (
            <>
              <Link to="/evaluations/$experiment" params={{ experiment: id }}>
                {visible(id)}
              </Link>{' '}
              {status === 'running' && <Status status="running" />}
            </>
          )),
          meta: { breaks: true },
        },
        {
          header: 'Team',
          accessorFn: ({ candidate }) => candidate.name,
          cell: fromRow(({ candidate }) => visible(candidate.name)),
          meta: { breaks: true },
        },
        {
          header: 'Quality',
          accessorFn: ({ total }) => total?.candidate.quality,
          cell: fromRow(({ total }) => (total ? qualityText(total.candidate) : '')),
          meta: { numeric: true },
        },
        {
          header: 'Change',
          cell: ({ row: { index, original } }) => {
            const { candidate, dataset, total } = original
            const before = experiments
              .slice(index + 1)
              .find((other) => other.candidate.name === candidate.name && other.dataset.version === dataset.version)
            return changeText(total, before?.total)
          },
          meta: { numeric: true },
        },
        {
          header: 'Failed',
          accessorFn: ({ total }) => total?.candidate.failed,
          cell: fromRow(({ total }) => (total ? count(total.candidate.failed) : '')),
          meta: { numeric: true, wideOnly: true },
        },
        {
          header: 'Cost',
          accessorFn: ({ total }) => total?.candidate.cost,
          cell: fromRow(({ total }) => (total ? money(total.candidate.cost) : '')),
          meta: { numeric: true, wideOnly: true },
        },
        {
          header: 'Started',
          accessorFn: ({ startedAt }) => startedAt,
          cell: fromRow(({ startedAt }) => when(startedAt)),
          meta: { numeric: true, wideOnly: true },
        },
      ]}
      rows={experiments}
      isPart={isPart}
      rowKey={({ id }) => id}
    />
  )
}

/** The mean says how many cases it covers if some were skipped. */
const qualityText = ({ quality, skipped, scored, failed }: SideTotal): string =>
  skipped === 0 ? percent(quality) : `${percent(quality)} of ${count(scored + failed)} cases`

function changeText(now: Summary['total'], before: Summary['total']): string {
  if (!now || !before) return ''
  return `${points.format((now.candidate.quality - before.candidate.quality) * 100)} points`
}

export function Evaluation() {
  const { experiment: id } = evaluationRoute.useParams()
  const experiment = useAnswer('experiments.get', { path: { experiment: id }, every: 10_000 })
  return (
    <>
      <ViewHeader within={<Link to="/evaluations">Evaluations</Link>} title={visible(id)} />
      <Answer of={experiment}>
        {(found) => (
          <>
            <Text as="p" color="gray" mb="3">
              {visible(found.dataset.name)}, {count(found.dataset.cases)} cases · {visible(found.candidate.name)}
              {found.against && ` against ${visible(found.against.name)}`} · started {when(found.startedAt)}
              {found.status === 'running' && ' · still running'}
            </Text>
            <Totals experiment={found} />
            <Section title="Cases">
              <Cases results={found.results} />
            </Section>
          </>
        )}
      </Answer>
    </>
  )
}

function Totals({ experiment: { scorers, candidate, against, total } }: { readonly experiment: Experiment }) {
  const sides = [
    { name: against ? `${candidate.name}, candidate` : candidate.name, of: total.candidate },
    ...(against && total.against ? [{ name: `${against.name}, against`, of: total.against }] : []),
  ]
  const rows: readonly TotalRow[] = [
    ['Quality', ({ quality }) => percent(quality)],
    ...scorers.map((name) => [`Score ${visible(name)}`, ({ scores }: SideTotal) => scoreText(scores[name])] as const),
    ['Cases scored', ({ scored }) => count(scored)],
    ['Cases failed', ({ failed }) => count(failed)],
    ...(sides.some(({ of }) => of.skipped > 0)
      ? [['Cases skipped', ({ skipped }: SideTotal) => count(skipped)] as const]
      : []),
    ['Steps', ({ steps }) => count(steps)],
    ['Tokens', ({ tokens }) => count(tokens)],
    ['Cost', ({ cost }) => money(cost)],
    ['Duration', ({ durationMs }) => lasting(durationMs)],
  ]
  return (
    <div className="fit">
      <DataTable
        columns={[
          { header: 'Total', cell: fromRow(([name]) => name) },
          ...sides.map(
            ({ name, of }, i): Column<TotalRow> => ({
              id: `side ${i}`,
              header: visible(name),
              cell: fromRow(([, textOf]) => textOf(of)),
              meta: { numeric: true },
            }),
          ),
        ]}
        rows={rows}
        rowKey={([name]) => name}
      />
    </div>
  )
}

const scoreText = (score: number | undefined) => (score === undefined ? '' : score.toFixed(2))

/** Skipped cases say nothing of the team, so they come last. */
const rankOf = ({ status, quality = -1 }: CaseResult): number =>
  status === 'skipped' ? Number.POSITIVE_INFINITY : quality

/** Failed and low-scored cases come first: those are what a reader looks for. */
function Cases({ results }: { readonly results: readonly CaseResult[] }) {
  const sorted = [...results].sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : Number(rankOf(a) > rankOf(b))))
  return (
    <DataTable
      columns={[
        {
          header: 'Case',
          accessorFn: (one) => one.case,
          cell: fromRow((one) => (
            <>
              {one.status === 'skipped' ? (
                visible(one.case)
              ) : (
                <Link to="/runs/$run" params={{ run: one.run }}>
                  {visible(one.case)}
                </Link>
              )}
              {one.error && (
                <Text as="p" size="small" color={one.status === 'skipped' ? 'gray' : 'red'} className="break">
                  {visible(one.error.message)}
                </Text>
              )}
            </>
          )),
          meta: { breaks: true },
        },
        { header: 'Side', accessorFn: ({ side }) => side },
        { header: 'Status', accessorFn: ({ status }) => status },
        {
          header: 'Quality',
          accessorFn: ({ quality }) => quality,
          cell: fromRow(({ quality }) => (quality === undefined ? '' : percent(quality))),
          meta: { numeric: true },
        },
        { header: 'Scores', cell: fromRow(scoresText), meta: { wideOnly: true, breaks: true } },
        {
          header: 'Cost',
          accessorFn: (one) => (one.status === 'skipped' ? undefined : one.cost),
          cell: fromRow(({ status, cost }) => (status === 'skipped' ? '' : money(cost))),
          meta: { numeric: true, wideOnly: true },
        },
      ]}
      rows={sorted}
      rowKey={(one) => `${one.side} ${one.case}`}
    />
  )
}

const scoresText = ({ scores }: CaseResult): string =>
  Object.entries(scores)
    .map(([name, { score, choice, reason }]) =>
      visible(`${name} ${score.toFixed(2)}${choice === undefined ? '' : ` (${choice})`}${reason ? `: ${reason}` : ''}`),
    )
    .join(' · ')
