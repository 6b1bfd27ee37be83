import { Heading, Link, Table } from '@radix-ui/themes'
import { useState } from 'react'
import type { Page } from '../api/client.ts'
import type { Summary } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { lasting, when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Pager } from '../parts/pager.tsx'
import { Status } from '../parts/status.tsx'
import { linkTo } from '../route.ts'

export function Runs() {
  const [cursors, setCursors] = useState<readonly string[]>([])
  const cursor = cursors.at(-1)
  const runs = useAnswer<Page<Summary>>('/v1/runs', { query: { limit: 25, cursor }, every: 3_000 })
  return (
    <>
      <Heading as="h1" size="6" mb="4">
        Runs
      </Heading>
      <Answer of={runs} none={{ when: ({ items }) => items.length === 0, say: 'No run has begun.' }}>
        {({ items, cursor: next }) => (
          <>
            <RunTable runs={items} />
            <Pager cursors={cursors} next={next} go={setCursors} back="Newer" on="Older" />
          </>
        )}
      </Answer>
    </>
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
          <Table.ColumnHeaderCell>Status</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Team</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Started</Table.ColumnHeaderCell>
          <Table.ColumnHeaderCell className="roomy">Took</Table.ColumnHeaderCell>
        </Table.Row>
      </Table.Header>
      <Table.Body>
        {runs.map((run) => (
          <Table.Row key={run.id}>
            <Table.RowHeaderCell>
              <Link href={linkTo('runs', run.id)}>{run.id.length > 12 ? `…${run.id.slice(-10)}` : run.id}</Link>
            </Table.RowHeaderCell>
            <Table.Cell>
              <Status status={run.status} reason={run.reason} />
            </Table.Cell>
            <Table.Cell className="roomy break">{run.team ?? run.agents.join(', ')}</Table.Cell>
            <Table.Cell className="roomy">{when(run.createdAt)}</Table.Cell>
            <Table.Cell className="roomy">{lasted(run)}</Table.Cell>
          </Table.Row>
        ))}
      </Table.Body>
    </Table.Root>
  )
}
