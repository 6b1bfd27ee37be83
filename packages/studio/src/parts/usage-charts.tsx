/** Charts of throughput, latency, failures, tokens and cost over time. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Suspense } from 'react'
import { useAnswer } from '../api/use-api.tsx'
import { visible } from '../visible.ts'
import { Answer, Nothing } from './answer.tsx'
import { lazyPart } from './load-part.ts'
import { Section } from './section.tsx'
import { Flex, Select } from './ui.tsx'
import { rangeOptions, startOf, type UsageRange, usageRanges, usageRefreshMs } from './usage-ranges.ts'

const Charts = lazyPart(() => import('./usage-chart-row.tsx'))

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
              <Suspense fallback={<ChartPlaceholders isSmall={isSmall} />}>
                <Charts {...shown} items={ofTeam} />
              </Suspense>
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
