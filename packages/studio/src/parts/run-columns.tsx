/** The columns of a table of runs: the task names a run, and status, tokens, cost and times follow. */
import { Link } from '@tanstack/react-router'
import { createColumnHelper, rowSelectionFeature, tableFeatures } from '@tanstack/react-table'
import type { Summary } from '../api/shapes.ts'
import { inShort, lasting, spent, tokens } from '../format.ts'
import type { RunOrder } from '../routes.ts'
import { visible } from '../visible.ts'
import { Age } from './age.tsx'
import { Status } from './status.tsx'
import { Text } from './ui.tsx'

export const features = tableFeatures({ rowSelectionFeature })

/** The order that the header of a column switches on, and off again. */
export const columnOrders: Readonly<Record<string, RunOrder>> = {
  tokens: 'tokens',
  cost: 'cost',
  started: 'oldest',
  took: 'duration',
}

const tokensOf = ({ usage }: Summary) => (usage ? usage.inputTokens + usage.outputTokens : undefined)
export const lastedMs = ({ createdAt, endedAt }: Summary): number | undefined =>
  endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(createdAt)

const helper = createColumnHelper<typeof features, Summary>()

export const runColumns = helper.columns([
  helper.accessor('title', {
    header: 'Task',
    cell: ({ row: { original: run } }) => (
      <>
        <Link to="/runs/$run" params={{ run: run.id }} title={run.id}>
          {inShort(run.title, 90) || run.id}
        </Link>
        {run.error && (
          <Text as="p" size="small" color="red" className="break">
            {inShort(run.error.message, 160)}
          </Text>
        )}
        {run.tags.length > 0 && (
          <Text as="p" size="small" color="gray" className="break">
            {visible(run.tags.join(', '))}
          </Text>
        )}
      </>
    ),
  }),
  helper.accessor('status', {
    header: 'Status',
    cell: ({ row: { original: run } }) => <Status status={run.status} reason={run.reason} />,
  }),
  helper.accessor(({ team, agents }) => team ?? agents.join(', '), {
    id: 'team',
    header: 'Team',
    cell: ({ row: { original: run } }) => run.team ?? someOf(run.agents),
  }),
  helper.accessor(tokensOf, { id: 'tokens', header: 'Tokens', cell: ({ row }) => tokens(row.original.usage) }),
  helper.accessor(({ cost }) => cost?.usd, {
    id: 'cost',
    header: 'Cost',
    cell: ({ row }) => spent(row.original.cost),
  }),
  helper.accessor('createdAt', {
    id: 'started',
    header: 'Age',
    cell: ({ getValue }) => <Age of={getValue()} />,
  }),
  helper.accessor(lastedMs, {
    id: 'took',
    header: 'Took',
    cell: ({ getValue }) => {
      const ms = getValue()
      return ms === undefined ? '' : lasting(ms)
    },
  }),
])

/** A narrow page leaves them out. */
export const wideOnlyColumns: ReadonlySet<string> = new Set(['team', 'tokens', 'cost', 'started', 'took'])
export const numericColumns: ReadonlySet<string> = new Set(['tokens', 'cost', 'started', 'took'])

const named = 5
const someOf = (agents: readonly string[]) =>
  agents.length > named ? `${agents.slice(0, named).join(', ')} and ${agents.length - named} more` : agents.join(', ')
