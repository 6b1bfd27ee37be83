import type { Summary } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { age, inShort, lasting, spent, tokens, when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Find } from '../parts/find.tsx'
import { Pager } from '../parts/pager.tsx'
import { Status } from '../parts/status.tsx'
import { Heading, Link, Select, Table } from '../parts/ui.tsx'
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
      <Heading as="h1" mb="4">
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
      <Select
        label="Status"
        value={status || any}
        onChoose={(chosen) => seek({ status: chosen === any ? '' : chosen, search })}
        options={[any, ...statuses].map((one) => ({ value: one, label: one === any ? 'any status' : one }))}
      />
    </Find>
  )
}

const lasted = ({ createdAt, endedAt }: Summary) =>
  endedAt ? lasting(Date.parse(endedAt) - Date.parse(createdAt)) : ''

export function RunTable({ runs }: { readonly runs: readonly Summary[] }) {
  return (
    <Table>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Task</th>
          <th scope="col">Status</th>
          <th scope="col" className="roomy">
            Team
          </th>
          <th scope="col" className="roomy">
            Tokens
          </th>
          <th scope="col" className="roomy">
            Cost
          </th>
          <th scope="col" className="roomy">
            Age
          </th>
          <th scope="col" className="roomy">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row">
              <Link href={linkTo('runs', run.id)}>{run.id.length > 12 ? `…${run.id.slice(-10)}` : run.id}</Link>
            </th>
            <td className="break">{inShort(run.title, 90)}</td>
            <td>
              <Status status={run.status} reason={run.reason} />
            </td>
            <td className="roomy break">{run.team ?? someOf(run.agents)}</td>
            <td className="roomy">{tokens(run.usage)}</td>
            <td className="roomy">{spent(run.cost)}</td>
            <td className="roomy" title={when(run.createdAt)}>
              {age(run.createdAt)}
            </td>
            <td className="roomy">{lasted(run)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

const named = 5
const someOf = (agents: readonly string[]) =>
  agents.length > named ? `${agents.slice(0, named).join(', ')} and ${agents.length - named} more` : agents.join(', ')
