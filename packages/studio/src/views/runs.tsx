import { Heading, Link, Select, Table } from '@radix-ui/themes'
import type { Summary } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { age, inShort, lasting, spent, tokens, when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Find } from '../parts/find.tsx'
import { Pager } from '../parts/pager.tsx'
import { Status } from '../parts/status.tsx'
import { linkTo, type Sought, useSought } from '../route.ts'

const statuses = ['running', 'waiting', 'completed', 'failed', 'cancelled'] as const
const any = 'any'

export function Runs() {
  const sought = useSought()
  const { cursors } = sought
  const status = sought.of('status')
  const search = sought.of('search')
  const query = {
    limit: 25,
    cursor: cursors.at(-1),
    status: statuses.find((one) => one === status),
    search: search || undefined,
  }
  const runs = useAnswer('runs.list', { query, every: 3_000 })
  const nothing = status || search ? 'No run is like that.' : 'No run has begun.'
  return (
    <>
      <Heading as="h1" size="6" mb="4">
        Runs
      </Heading>
      <FindRuns sought={sought} />
      <Answer of={runs} none={{ when: ({ items }) => items.length === 0 && cursors.length === 0, text: nothing }}>
        {({ items, cursor: next }) => (
          <>
            <RunTable runs={items} />
            <Pager cursors={cursors} next={next} go={sought.page} back="Newer" on="Older" />
          </>
        )}
      </Answer>
    </>
  )
}

function FindRuns({ sought: { of, seek } }: { readonly sought: Sought }) {
  const status = of('status')
  const search = of('search')
  return (
    <Find label="Words of the task" text={search} find={(words) => seek({ status, search: words.trim() })}>
      <Select.Root
        value={status || any}
        onValueChange={(chosen) => seek({ status: chosen === any ? '' : chosen, search })}
      >
        <Select.Trigger aria-label="Status" />
        <Select.Content>
          {[any, ...statuses].map((one) => (
            <Select.Item key={one} value={one}>
              {one === any ? 'any status' : one}
            </Select.Item>
          ))}
        </Select.Content>
      </Select.Root>
    </Find>
  )
}

const lasted = ({ createdAt, endedAt }: Summary) =>
  endedAt ? lasting(Date.parse(endedAt) - Date.parse(createdAt)) : ''

export function RunTable({ runs }: { readonly runs: readonly Summary[] }) {
  return (
    <Table.Root variant="surface" size="1">
      <Table.Header>
        <Table.Row>
          <Table.ColumnHeaderCell>Run</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell>Task</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell>Status</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Team</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Tokens</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Cost</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Age</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Took</Table.ColumnHeaderCell>
        </Table.Row>
      </Table.Header>
      <Table.Body>
        {runs.map((run) => (
          <Table.Row key={run.id}>
            <Table.RowHeaderCell>
              <Link href={linkTo('runs', run.id)}>{run.id.length > 12 ? `…${run.id.slice(-10)}` : run.id}</Link>
            </Table.RowHeaderCell>
            <Table.Cell className="break">{inShort(run.title, 90)}</Table.Cell>
            <Table.Cell>
              <Status status={run.status} reason={run.reason} />
            </Table.Cell>
            <Table.Cell className="roomy break">{run.team ?? someOf(run.agents)}</Table.Cell>
            <Table.Cell className="roomy">{tokens(run.usage)}</Table.Cell>
            <Table.Cell className="roomy">{spent(run.cost)}</Table.Cell>
            <Table.Cell className="roomy" title={when(run.createdAt)}>
              {age(run.createdAt)}
            </Table.Cell>
            <Table.Cell className="roomy">{lasted(run)}</Table.Cell>
          </Table.Row>
        ))}
      </Table.Body>
    </Table.Root>
  )
}

const named = 5
const someOf = (agents: readonly string[]) =>
  agents.length > named ? `${agents.slice(0, named).join(', ')} and ${agents.length - named} more` : agents.join(', ')
