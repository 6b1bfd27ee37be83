/** Failed runs, grouped by what failed: the team or the agents, and the code of the error. */
import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Summary } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { newestFailed, useFailedRuns } from '../api/use-failed-runs.ts'
import { count, inShort, spent, tokens, toMinute } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { Answer, ErrorNotice } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { RestoreFocus } from '../parts/restore-focus.tsx'
import { Section } from '../parts/section.tsx'
import { Button, Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

/** Failed runs that are grouped at first. Only more failures than that of one cause can hide an older cause. */
const maxRuns = 1_000
/** Causes that are shown: more would be too much to read. */
const maxCauses = 50

interface Cause {
  readonly id: string
  readonly name: string
  readonly code: string
  readonly runs: readonly Summary[]
  readonly newest: Summary
  /** The usage of all its runs. */
  readonly usage: Summary['usage']
  readonly cost: Summary['cost']
}

/** Undefined where no run has a value. */
function sumOf(runs: readonly Summary[]): Pick<Cause, 'usage' | 'cost'> {
  const usages = runs.flatMap(({ usage }) => usage ?? [])
  const costs = runs.flatMap(({ cost }) => cost ?? [])
  return {
    usage: usages.reduce<Cause['usage']>(
      (sum, one) => ({
        inputTokens: (sum?.inputTokens ?? 0) + one.inputTokens,
        outputTokens: (sum?.outputTokens ?? 0) + one.outputTokens,
      }),
      undefined,
    ),
    cost: costs.reduce<Cause['cost']>(
      (sum, { usd, unknown }) => ({ usd: (sum?.usd ?? 0) + usd, unknown: [...(sum?.unknown ?? []), ...unknown] }),
      undefined,
    ),
  }
}

/** The cause with the newest failure comes first, as the server lists the newest run first. */
function causesOf(runs: readonly Summary[]): readonly Cause[] {
  const nameOf = ({ team, agents }: Summary) => team ?? agents.join(', ')
  const codeOf = ({ error }: Summary) => error?.code ?? 'no error is recorded'
  const groups = Map.groupBy(runs, (run) => JSON.stringify([nameOf(run), codeOf(run)]))
  return [...groups].flatMap(([id, group]) => {
    const [newest] = group
    return newest ? [{ id, name: nameOf(newest), code: codeOf(newest), runs: group, newest, ...sumOf(group) }] : []
  })
}

export function FailureCauses() {
  const answer = useAnswer('runs.list', newestFailed)
  const [limit, setLimit] = useState(maxRuns)
  const { items: runs, hasMore, error } = useFailedRuns(limit)
  const causes = useMemo(() => causesOf(runs), [runs])
  const all = (
    <Link to="/runs" search={{ status: 'failed' }}>
      All failed runs
    </Link>
  )
  return (
    <Section title="Failed" note={noteOf(runs, causes.length, hasMore)} beside={all}>
      <Answer
        of={answer}
        none={{
          when: () => causes.length === 0,
          text: 'No run has failed. Failed runs appear here, grouped by their cause.',
        }}
      >
        {() => <CauseTable causes={causes.slice(0, maxCauses)} hasMore={hasMore} />}
      </Answer>
      {error && <ErrorNotice error={error} />}
      {hasMore && runs.length >= maxRuns && (
        <RestoreFocus>
          <Button small look="soft" mt="2" disabled={runs.length < limit} onClick={() => setLimit(limit + maxRuns)}>
            Look at older failed runs
          </Button>
        </RestoreFocus>
      )}
    </Section>
  )
}

function noteOf(runs: readonly Summary[], causeCount: number, hasMore: boolean): string | undefined {
  const oldest = runs.at(-1)
  if (oldest === undefined) return undefined
  const causes = `${count(causeCount)} ${causeCount === 1 ? 'cause' : 'causes'}`
  return hasMore
    ? `${causes} among the newest ${count(runs.length)} runs, since ${toMinute(oldest.createdAt)}`
    : `${count(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}, ${causes}`
}

interface CauseTableProps {
  readonly causes: readonly Cause[]
  /** Whether more runs have failed than those of the causes. */
  readonly hasMore: boolean
}

function CauseTable({ causes, hasMore }: CauseTableProps) {
  return (
    <DataTable
      columns={[
        { header: 'Cause', cell: fromRow((cause) => <AboutCause cause={cause} />), meta: { breaks: true } },
        {
          header: 'Runs',
          cell: fromRow(({ runs: { length } }) => `${count(length)}${length > 1 && hasMore ? '+' : ''}`),
          meta: { numeric: true },
        },
        {
          header: 'Tokens',
          cell: fromRow(({ usage }) => tokens(usage)),
          meta: { numeric: true, wideOnly: true },
        },
        { header: 'Cost', cell: fromRow(({ cost }) => spent(cost)), meta: { numeric: true, wideOnly: true } },
        {
          header: 'Last',
          cell: fromRow(({ newest }) => <Age of={newest.createdAt} />),
          meta: { numeric: true, wideOnly: true },
        },
        {
          header: 'Explanation',
          cell: fromRow(({ newest: { id, title } }) => (
            <Link
              to="/runs/$run"
              params={{ run: id }}
              search={{ tab: 'why' }}
              aria-label={`Why ${inShort(title, 60) || id} failed`}
            >
              Why
            </Link>
          )),
          meta: { wideOnly: true },
        },
      ]}
      rows={causes}
      rowKey={({ id }) => id}
    />
  )
}

function AboutCause({ cause: { name, code, newest, usage, cost } }: { readonly cause: Cause }) {
  return (
    <>
      {visible(name)} · <code>{visible(code)}</code>
      {newest.error && (
        <Text as="p" size="small" color="red" className="break">
          {inShort(newest.error.message, 160)}
        </Text>
      )}
      <Text as="p" size="small" color="gray" className="break">
        newest:{' '}
        <Link to="/runs/$run" params={{ run: newest.id }} title={newest.id}>
          {inShort(newest.title, 90) || newest.id}
        </Link>
      </Text>
      {usage && (
        <Text as="p" size="small" color="gray" className="compact">
          {tokens(usage)} tokens{cost && ` · ${spent(cost)}`}
        </Text>
      )}
    </>
  )
}
