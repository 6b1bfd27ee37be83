/** The failed and the open runs of all users, for operators. A run opens as a run of its user. */

import type { UseQueryResult } from '@tanstack/react-query'
import { useContext } from 'react'
import type { AnswerOf } from 'troupe/client'
import { UserContext } from '../api/chosen-user.ts'
import type { UserRun } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, inShort, spent, tokens } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { Answer } from '../parts/answer.tsx'
import { type Column, DataTable, fromRow } from '../parts/data-table.tsx'
import { RunStatus } from '../parts/run-status.tsx'
import { Task } from '../parts/run-table.tsx'
import { Section } from '../parts/section.tsx'
import { Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

const shown = 10
/** Open runs that are read: the server lists them by user, and the newest of them are shown. */
const maxOpen = 100

const newestFailed = { query: { status: 'failed', limit: shown } } as const
const firstOpen = { query: { status: 'open', limit: maxOpen } } as const

/** Nothing if all these runs are of the user whose data the page shows: the lists above have them. */
export function AllUsers() {
  const enabled = useMay()('operations.runs')
  const { user } = useContext(UserContext)
  const failed = useAnswer('operations.runs', { ...newestFailed, enabled })
  const open = useAnswer('operations.runs', { ...firstOpen, enabled })
  const isOfShownUser = ({ data }: Found) =>
    data !== undefined && data.cursor === undefined && data.items.every((run) => run.user === (user || 'default'))
  if (failed.isPending || open.isPending || (isOfShownUser(failed) && isOfShownUser(open))) return null
  return (
    <Section title="All users">
      <SomeRuns
        title="Failed runs"
        found={failed}
        none="No run has failed. Failed runs of all users appear here."
        more={() => 'There are more; these failed last.'}
      />
      <SomeRuns
        title="Open runs"
        found={open}
        none="No run is open. Runs that execute or wait appear here."
        more={moreOpen}
        order={newestFirst}
      />
    </Section>
  )
}

type Found = UseQueryResult<AnswerOf<'operations.runs'>, Error>

interface SomeRunsProps {
  readonly title: string
  readonly found: Found
  readonly none: string
  /** Which runs are shown if there are more, of so many that were read. */
  readonly more: (read: number, hasMore: boolean) => string
  /** Instead of the order of the server. */
  readonly order?: (a: UserRun, b: UserRun) => number
}

const newestFirst = (a: UserRun, b: UserRun) => Date.parse(b.createdAt) - Date.parse(a.createdAt)
const moreOpen = (read: number, hasMore: boolean) =>
  hasMore
    ? `There are more; these are the newest of the first ${count(read)} by user.`
    : `There are ${count(read)}; these are the newest.`

function SomeRuns({ title, found, none, more, order = () => 0 }: SomeRunsProps) {
  return (
    <>
      <Text as="p" bold mt="3" mb="2">
        {title}
      </Text>
      <Answer of={found} none={{ when: ({ items }) => items.length === 0, text: none }}>
        {({ items, cursor }) => (
          <>
            <DataTable
              columns={columns}
              rows={items.toSorted(order).slice(0, shown)}
              rowKey={({ user, id }) => `${user} ${id}`}
            />
            {(cursor !== undefined || items.length > shown) && (
              <Text as="p" size="small" color="gray">
                {more(items.length, cursor !== undefined)}
              </Text>
            )}
          </>
        )}
      </Answer>
    </>
  )
}

const numeric = { numeric: true, wideOnly: true } as const
const columns: readonly Column<UserRun>[] = [
  { header: 'Task', cell: fromRow((run) => <TaskOfUser run={run} />), meta: { breaks: true } },
  { header: 'User', cell: fromRow(({ user }) => visible(user)), meta: { breaks: true } },
  {
    header: 'Status',
    cell: fromRow(({ id, status, reason }) => <RunStatus run={id} status={status} reason={reason} questions={[]} />),
  },
  {
    header: 'Team',
    cell: fromRow(({ team, agents }) => inShort(team ?? agents.join(', '), 40)),
    meta: { wideOnly: true },
  },
  { header: 'Tokens', cell: fromRow(({ usage }) => tokens(usage)), meta: numeric },
  { header: 'Cost', cell: fromRow(({ cost }) => spent(cost)), meta: numeric },
  { header: 'Age', cell: fromRow(({ createdAt }) => <Age of={createdAt} />), meta: numeric },
]

/** The address of a run names no user, so the link chooses the user before it opens the run. */
function TaskOfUser({ run }: { readonly run: UserRun }) {
  const { choose } = useContext(UserContext)
  return <Task run={run} onOpen={() => choose(run.user)} />
}
