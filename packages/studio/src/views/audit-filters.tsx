/** The filters of the audit log: action, principal, time and outcome. They are part of the address. */
import { useEffect, useId, useState } from 'react'
import { timeZone } from '../format.ts'
import { Button, Flex, Select, Text } from '../parts/ui.tsx'
import { auditRoute } from '../routes.ts'

const outcomes = [
  { value: 'all', label: 'Allowed and denied' },
  { value: 'true', label: 'Allowed' },
  { value: 'false', label: 'Denied' },
] as const

/** The local form of an input of date and time, without seconds. */
function localTime(iso: string | undefined): string {
  if (iso === undefined) return ''
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
const isoTime = (local: string): string | undefined => (local === '' ? undefined : new Date(local).toISOString())

export function AuditFilters() {
  const { operation = '', actor = '', from, to, allowed } = auditRoute.useSearch()
  const navigate = auditRoute.useNavigate()
  const zone = useId()
  const [typed, setTyped] = useState({ operation, actor })
  useEffect(() => setTyped({ operation, actor }), [operation, actor])
  const filter = (changed: {
    readonly operation?: string | undefined
    readonly actor?: string | undefined
    readonly from?: string | undefined
    readonly to?: string | undefined
    readonly allowed?: 'true' | 'false' | undefined
  }) => void navigate({ search: (search) => ({ ...search, after: undefined, ...changed }) })
  const isFiltered = [operation, actor, from, to, allowed].some((one) => one !== undefined && one !== '')
  const noFilter = { operation: undefined, actor: undefined, from: undefined, to: undefined, allowed: undefined }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        filter({ operation: typed.operation.trim() || undefined, actor: typed.actor.trim() || undefined })
      }}
    >
      <Flex gap="2" mb="3" wrap="wrap" align="center" className="filters">
        <input
          type="search"
          aria-label="Action"
          placeholder="Action, as run.start"
          value={typed.operation}
          onChange={({ target }) => setTyped({ ...typed, operation: target.value })}
        />
        <input
          type="search"
          aria-label="Principal"
          placeholder="Principal"
          value={typed.actor}
          onChange={({ target }) => setTyped({ ...typed, actor: target.value })}
        />
        <label>
          From{' '}
          <input
            type="datetime-local"
            aria-describedby={zone}
            value={localTime(from)}
            onChange={({ target }) => filter({ from: isoTime(target.value) })}
          />
        </label>
        <label>
          To{' '}
          <input
            type="datetime-local"
            aria-describedby={zone}
            value={localTime(to)}
            onChange={({ target }) => filter({ to: isoTime(target.value) })}
          />
        </label>
        <Text id={zone} color="gray">
          in {timeZone()}
        </Text>
        <Select
          label="Outcome"
          value={allowed ?? 'all'}
          onChoose={(value) => filter({ allowed: value === 'all' ? undefined : value })}
          options={outcomes}
        />
        <Button type="submit">Find</Button>
        {isFiltered && (
          <Button look="soft" onClick={() => filter(noFilter)}>
            Clear
          </Button>
        )}
      </Flex>
    </form>
  )
}
