/** The audit log: which principal did what, whether it was allowed. */
import { Link } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Breakable } from '../parts/breakable.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Facts } from '../parts/facts.tsx'
import { Opened } from '../parts/opened.tsx'
import { Pager } from '../parts/pager.tsx'
import { Status } from '../parts/status.tsx'
import { Text } from '../parts/ui.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { auditRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { AuditFilters } from './audit-filters.tsx'
import { AuditVerification } from './audit-verification.tsx'

type AuditRecord = AnswerOf<'audit.list'>['items'][number]

export function Audit() {
  const { operation, actor, from, to, allowed, record, at, after } = auditRoute.useSearch()
  const records = useAnswer('audit.list', {
    query: { limit: 50, cursor: after?.at(-1), operation, actor, from, to, allowed },
  })
  return (
    <>
      <ViewHeader title="Audit" />
      <AuditVerification />
      {record !== undefined && at !== undefined && <OneRecord id={record} at={at} />}
      <AuditFilters />
      <Answer
        of={records}
        none={{
          when: ({ items }) => items.length === 0,
          text: [operation, actor, from, to, allowed].some((filter) => filter !== undefined)
            ? 'No record fits. Clear the filters to see all records.'
            : 'No record is stored. Each write, each refusal and each administrative action appears here.',
        }}
      >
        {({ items, cursor }) => (
          <>
            <RecordTable items={items} opened={record} />
            <Pager next={cursor} back="Newer" on="Older" />
          </>
        )}
      </Answer>
    </>
  )
}

function RecordTable({
  items,
  opened,
}: {
  readonly items: readonly AuditRecord[]
  readonly opened: string | undefined
}) {
  return (
    <DataTable
      columns={[
        {
          header: 'Time',
          cell: fromRow(({ id, at }) => (
            <Link to="/audit" search={(search) => ({ ...search, record: id, at })}>
              {when(at)}
            </Link>
          )),
        },
        {
          header: 'Principal',
          cell: fromRow(({ actor, key }) => (
            <>
              {visible(actor)}
              {key !== undefined && (
                <Text as="p" size="small" color="gray">
                  key {visible(key)}
                </Text>
              )}
            </>
          )),
          meta: { wideOnly: true, breaks: true },
        },
        {
          header: 'Action',
          cell: fromRow(({ operation, actor, resource }) => (
            <>
              <Breakable name={operation} />
              <Text as="p" size="small" color="gray" className="compact break">
                by {visible(actor)}
                {resource !== undefined && `: ${visible(resource)}`}
              </Text>
            </>
          )),
          meta: { breaks: true },
        },
        {
          header: 'Resource',
          cell: fromRow(({ resource = '' }) => visible(resource)),
          meta: { wideOnly: true, breaks: true },
        },
        {
          header: 'Outcome',
          cell: fromRow(({ allowed, reason }) => <Status status={allowed ? 'allowed' : 'denied'} reason={reason} />),
          meta: { breaks: true },
        },
      ]}
      rows={items}
      rowKey={({ id }) => id}
      isCurrent={({ id }) => id === opened}
    />
  )
}

/** The record that the address names. Its time finds it, also behind many newer records. */
function OneRecord({ id, at }: { readonly id: string; readonly at: number }) {
  const found = useAnswer('audit.list', {
    query: { limit: 100, from: new Date(at).toISOString(), to: new Date(at + 1).toISOString() },
  })
  const close = (
    <Link to="/audit" search={({ record: _, at: __, ...search }) => search} aria-keyshortcuts="Escape">
      Close
    </Link>
  )
  return (
    <Opened title="Record" id={id} close={close}>
      <Answer of={found}>
        {({ items }) => {
          const one = items.find((each) => each.id === id)
          if (!one) return <Nothing>No record has this address. Retention may have deleted it.</Nothing>
          return (
            <Facts
              facts={[
                ['Id', <code key="id">{one.id}</code>],
                ['Time', when(one.at)],
                ['Principal', visible(one.actor)],
                ['Key or session', one.key !== undefined && visible(one.key)],
                ['User', one.user !== undefined && visible(one.user)],
                ['Action', one.operation],
                ['Resource', one.resource !== undefined && visible(one.resource)],
                ['Outcome', <Status key="outcome" status={one.allowed ? 'allowed' : 'denied'} reason={one.reason} />],
              ]}
            />
          )
        }}
      </Answer>
    </Opened>
  )
}
