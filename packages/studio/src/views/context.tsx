import { Link } from '@tanstack/react-router'
import { useAnswer } from '../api/use-api.tsx'
import { inShort } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Breakable } from '../parts/breakable.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Find } from '../parts/find.tsx'
import { isPartOfList, Pager } from '../parts/pager.tsx'
import { agentName } from '../parts/sources.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { Text } from '../parts/ui.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { contextRoute } from '../routes.ts'
import { audienceText, EntryView } from './entry-view.tsx'
import { KeyTree, noEntryText } from './key-tree.tsx'
import './context.css'

const tabs = [
  { tab: 'table', name: 'Table' },
  { tab: 'tree', name: 'Tree' },
] as const

export function Context() {
  const { key, prefix } = contextRoute.useSearch()
  if (key === undefined) return <Entries />
  return (
    <div className="with-tree">
      <KeyTree prefix={prefix} current={key} />
      <div>{key === '.' || key === '..' ? <FolderView entry={key} /> : <EntryView key={key} entry={key} />}</div>
    </div>
  )
}

function Entries() {
  const { prefix, tab = 'table' } = contextRoute.useSearch()
  const navigate = contextRoute.useNavigate()
  return (
    <>
      <ViewHeader title="Context" />
      <Find
        label="Keys that begin with"
        text={prefix ?? ''}
        find={(begin) => void navigate({ search: { prefix: begin || undefined, tab } })}
      />
      <Tabs label="Form of the list" tabs={tabs} current={tab} />
      {tab === 'tree' ? <KeyTree prefix={prefix} current={undefined} /> : <EntryTable />}
    </>
  )
}

function EntryTable() {
  const { prefix, after } = contextRoute.useSearch()
  const query = { limit: 50, cursor: after?.at(-1), prefix }
  const entries = useAnswer('context.list', { query })
  return (
    <Answer
      of={entries}
      none={{
        when: ({ items }) => items.length === 0,
        text: noEntryText(prefix),
      }}
    >
      {({ items, cursor: next }) => (
        <>
          <DataTable
            columns={[
              {
                header: 'Key',
                accessorFn: ({ key }) => key,
                cell: fromRow(({ key }) => (
                  <Link from="/context" to="/context" search={(search) => ({ ...search, key })}>
                    <code>{key === '' ? '(the empty key)' : <Breakable name={key} />}</code>
                  </Link>
                )),
                meta: { breaks: true },
              },
              { header: 'Value', cell: fromRow(({ value }) => inShort(value, 80)), meta: { breaks: true } },
              { header: 'Owner', accessorFn: ({ owner }) => agentName(owner), meta: { wideOnly: true } },
              { header: 'For', accessorFn: ({ audience }) => audienceText(audience), meta: { wideOnly: true } },
              { header: 'Version', accessorFn: ({ version }) => version, meta: { numeric: true, wideOnly: true } },
            ]}
            rows={items}
            isPart={isPartOfList(after, next)}
            rowKey={({ key }) => key}
          />
          <Pager next={next} back="Back" on="More" />
        </>
      )}
    </Answer>
  )
}

/** Browsers take these keys for folders of the address, encoded or not: what came would be of another entry. */
function FolderView({ entry: key }: { readonly entry: string }) {
  return (
    <>
      <ViewHeader within={<Link to="/context">Context</Link>} title={key} />
      <Text as="p">No address can hold this key. POST /v1/context/batch reads its entry.</Text>
    </>
  )
}
