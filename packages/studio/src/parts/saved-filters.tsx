/** Filters of a list under names, in this browser. A filter is what the address says, so it is a link. */
import { Link, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { parseSearch, stringifySearch } from '../routes.ts'
import { visible } from '../visible.ts'
import { Button, Flex, Text } from './ui.tsx'
import { useSetting } from './use-setting.ts'

interface SavedFilter {
  readonly name: string
  /** The search parameters of the address, after its `?`. */
  readonly query: string
}

const isSaved = (value: unknown): value is readonly SavedFilter[] =>
  Array.isArray(value) && value.every((each) => typeof each?.name === 'string' && typeof each?.query === 'string')

function readFilters(text: string | null): readonly SavedFilter[] {
  try {
    const saved: unknown = JSON.parse(text ?? '[]')
    return isSaved(saved) ? saved : []
  } catch {
    return []
  }
}

export function SavedFilters({ list }: { readonly list: '/runs' }) {
  const [stored, choose] = useSetting(`filters ${list}`)
  const filters = readFilters(stored)
  const [name, setName] = useState('')
  const query = stringifySearch(useSearch({ strict: false })).slice(1)
  const store = (changed: readonly SavedFilter[]) => choose(JSON.stringify(changed))
  const isNew = query !== '' && !filters.some((filter) => filter.query === query)
  if (filters.length === 0 && !isNew) return null
  return (
    <Flex gap="3" align="center" wrap="wrap" mb="3">
      {filters.map((filter) => (
        <span key={filter.name}>
          <Link to={list} search={parseSearch(filter.query)} activeOptions={{ exact: true, includeSearch: true }}>
            {visible(filter.name)}
          </Link>{' '}
          <Button
            small
            look="soft"
            aria-label={`Forget the filter ${visible(filter.name)}`}
            onClick={() => store(filters.filter((each) => each !== filter))}
          >
            ✕
          </Button>
        </span>
      ))}
      {isNew && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (name.trim() === '') return
            store([...filters.filter((each) => each.name !== name.trim()), { name: name.trim(), query }])
            setName('')
          }}
        >
          <Flex gap="2" align="center">
            <Text as="label" size="small" color="gray" htmlFor="filter-name">
              Save this filter as
            </Text>
            <input id="filter-name" className="narrow" value={name} onChange={({ target }) => setName(target.value)} />
            <Button small look="soft" type="submit" disabled={name.trim() === ''}>
              Save
            </Button>
          </Flex>
        </form>
      )}
    </Flex>
  )
}
