/** The audit log: which principal did what, and whether it was allowed. */
import { useAnswer } from '../api/use-api.tsx'
import { when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Find } from '../parts/find.tsx'
import { Pager } from '../parts/pager.tsx'
import { Status } from '../parts/status.tsx'
import { Heading, Select, Table, Text } from '../parts/ui.tsx'
import { auditRoute } from '../routes.ts'
import { visible } from '../visible.ts'

const outcomes = [
  { value: 'all', label: 'Allowed and denied' },
  { value: 'true', label: 'Allowed' },
  { value: 'false', label: 'Denied' },
] as const

export function Audit() {
  const { operation, allowed, after } = auditRoute.useSearch()
  const navigate = auditRoute.useNavigate()
  const records = useAnswer('audit.list', {
    query: {
      limit: 50,
      cursor: after?.at(-1),
      operation,
      allowed,
    },
  })
  return (
    <>
      <Heading as="h1" mb="4">
        Audit
      </Heading>
      <Text as="p" color="gray" mb="3">
        Each record is signed and has its place in a hash tree: <code>troupe audit verify</code> proves that none was
        changed or removed.
      </Text>
      <Find
        label="Operation"
        text={operation ?? ''}
        find={(text) => void navigate({ search: { operation: text.trim() || undefined, allowed } })}
      >
        <Select
          label="Outcome"
          value={allowed ?? 'all'}
          onChoose={(value) => void navigate({ search: { operation, allowed: value === 'all' ? undefined : value } })}
          options={outcomes}
        />
      </Find>
      <Answer of={records} none={{ when: ({ items }) => items.length === 0, text: 'No record fits.' }}>
        {({ items, cursor }) => (
          <>
            <Table>
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">Principal</th>
                  <th scope="col">Operation</th>
                  <th scope="col" className="roomy">
                    Resource
                  </th>
                  <th scope="col">Outcome</th>
                </tr>
              </thead>
              <tbody>
                {items.map(({ id, at, actor, key, operation: done, resource, allowed: isAllowed, reason }) => (
                  <tr key={id}>
                    <th scope="row">{when(at)}</th>
                    <td className="break">
                      {visible(actor)}
                      {key !== undefined && (
                        <Text as="p" size="small" color="gray">
                          key {key}
                        </Text>
                      )}
                    </td>
                    <td className="break">{done}</td>
                    <td className="roomy break">{visible(resource ?? '')}</td>
                    <td>
                      <Status status={isAllowed ? 'allowed' : 'denied'} reason={reason} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </Table>
            <Pager next={cursor} back="Newer" on="Older" />
          </>
        )}
      </Answer>
    </>
  )
}
