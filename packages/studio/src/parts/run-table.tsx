/** A table of runs: the task names a run, and status, team, tokens, cost and times follow. */
import { Link } from '@tanstack/react-router'
import type { ColumnSort, RowSelectionState, SortingState } from '@tanstack/react-table'
import type { Summary } from '../api/shapes.ts'
import { inShort, lasting, spent, tokens } from '../format.ts'
import { type RunOrder, runOrders } from '../routes.ts'
import { visible } from '../visible.ts'
import { Age } from './age.tsx'
import { type Column, DataTable, fromRow } from './data-table.tsx'
import { RunStatus } from './run-status.tsx'
import { Text } from './ui.tsx'

interface RunTableProps {
  readonly runs: readonly Summary[]
  /** The order and the selection, where the reader can change both. */
  readonly control?: {
    readonly order: RunOrder
    readonly onOrder: (order: RunOrder) => void
    readonly selected: RowSelectionState
    /** Undefined where the reader has no command for runs. */
    readonly onSelect: ((selected: RowSelectionState) => void) | undefined
    /** Called when the reader comes near the end. */
    readonly onEnd: (() => void) | undefined
  }
}

export function RunTable({ runs, control }: RunTableProps) {
  const select = control?.onSelect && {
    selected: control.selected,
    onSelect: control.onSelect,
    nameOf: ({ title, id }: Summary) => title || id,
  }
  return (
    <DataTable
      columns={columns}
      rows={runs}
      rowKey={({ id }) => id}
      select={select}
      isPart={control === undefined}
      serverSort={
        control && {
          sorting: [orders[control.order]],
          onSort: (sorting) => control.onOrder(orderOf(sorting)),
        }
      }
      long={control ?? none}
    />
  )
}

/** The columns with an accessor are those that the server sorts by. */
const numeric = { numeric: true, wideOnly: true } as const
const columns: readonly Column<Summary>[] = [
  { header: 'Task', cell: fromRow((run) => <TaskWithUsage run={run} />), meta: { breaks: true } },
  {
    header: 'Status',
    accessorFn: ({ status }) => status,
    cell: fromRow(({ id, status, reason }) => <RunStatus run={id} status={status} reason={reason} />),
  },
  { header: 'Team', cell: fromRow(({ team, agents }) => team ?? someOf(agents)), meta: { wideOnly: true } },
  {
    header: 'Tokens',
    accessorFn: ({ usage }) => usage,
    cell: fromRow(({ usage }) => tokens(usage)),
    meta: numeric,
  },
  { header: 'Cost', accessorFn: ({ cost }) => cost, cell: fromRow(({ cost }) => spent(cost)), meta: numeric },
  {
    header: 'Age',
    accessorFn: ({ createdAt }) => createdAt,
    cell: fromRow(({ createdAt }) => <Age of={createdAt} />),
    meta: numeric,
  },
  { header: 'Took', accessorFn: (run) => lastedMs(run), cell: fromRow(tookText), meta: numeric },
]
/** The orders of the server by column. The newest run has the lowest age. */
const orders: Readonly<Record<RunOrder, ColumnSort>> = {
  newest: { id: 'Age', desc: false },
  oldest: { id: 'Age', desc: true },
  cost: { id: 'Cost', desc: true },
  tokens: { id: 'Tokens', desc: true },
  duration: { id: 'Took', desc: true },
  status: { id: 'Status', desc: true },
}
/** A direction that the server does not have leads back to the newest runs. */
const orderOf = ([sort]: SortingState): RunOrder =>
  runOrders.find((order) => orders[order].id === sort?.id && orders[order].desc === sort.desc) ?? 'newest'
const none = { onEnd: undefined }

export const lastedMs = ({ createdAt, endedAt }: Summary): number | undefined =>
  endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(createdAt)

function tookText(run: Summary): string {
  const ms = lastedMs(run)
  return ms === undefined ? '' : lasting(ms)
}

/** On a phone age, tokens and cost stand below the task, because the table has no room for their columns. */
function TaskWithUsage({ run }: { readonly run: Summary }) {
  const { createdAt, usage, cost } = run
  return (
    <>
      <Task run={run} />
      <Text as="p" size="small" color="gray" className="compact">
        <Age of={createdAt} />
        {usage && ` · ${tokens(usage)} tokens`}
        {cost && ` · ${spent(cost)}`}
      </Text>
    </>
  )
}

interface TaskProps {
  readonly run: Pick<Summary, 'id' | 'title' | 'error' | 'tags'>
  /** Called before the run opens. */
  readonly onOpen?: () => void
}

/** The task of a run as the link to it, with the error and the tags. */
export function Task({ run: { id, title, error, tags }, onOpen }: TaskProps) {
  return (
    <>
      <Link to="/runs/$run" params={{ run: id }} title={id} {...(onOpen && { onClick: onOpen })}>
        {inShort(title, 90) || id}
      </Link>
      {error && (
        <Text as="p" size="small" color="red" className="break">
          {inShort(error.message, 160)}
        </Text>
      )}
      {tags.length > 0 && (
        <Text as="p" size="small" color="gray" className="break">
          {visible(tags.join(', '))}
        </Text>
      )}
    </>
  )
}

const named = 5
const someOf = (agents: readonly string[]) =>
  agents.length > named ? `${agents.slice(0, named).join(', ')} and ${agents.length - named} more` : agents.join(', ')
