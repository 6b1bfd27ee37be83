import type { RowSelectionState, SortingState } from '@tanstack/react-table'
import { useState } from 'react'
import type { Summary } from '../api/shapes.ts'
import { useClient } from '../api/use-api.tsx'
import { useRunPages } from '../api/use-pages.ts'
import { count } from '../format.ts'
import { ErrorNotice, Loading, Nothing } from '../parts/answer.tsx'
import { Find } from '../parts/find.tsx'
import { RunCommands } from '../parts/run-commands.tsx'
import { RunTable } from '../parts/run-table.tsx'
import { runsAsCsv } from '../parts/runs-as-csv.ts'
import { Button, Flex, Heading, Link, Select, Text, TextField } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { linkTo, type Sought, useSought } from '../route.ts'

const statuses = ['running', 'waiting', 'completed', 'failed', 'cancelled'] as const
const any = 'any'
/** What stands in the address. */
const filters = ['status', 'search', 'team', 'tags', 'sort'] as const
type Filter = (typeof filters)[number]

const soughtOf = ({ of }: Sought) =>
  Object.fromEntries(filters.map((name) => [name, of(name)])) as Readonly<Record<Filter, string>>

export function Runs() {
  const address = useSought()
  const sought = soughtOf(address)
  const seek = (changed: Partial<Record<Filter, string>>) => address.seek({ ...sought, ...changed })
  const query = {
    status: statuses.find((one) => one === sought.status),
    search: sought.search || undefined,
    team: sought.team || undefined,
    tags: sought.tags || undefined,
  }
  const runs = useRunPages(query)
  const [selected, setSelected] = useState<RowSelectionState>({})
  const chosen = runs.items.filter(({ id }) => selected[id])
  const isFiltered = Boolean(sought.status || sought.search || sought.team || sought.tags)
  return (
    <>
      <Flex align="center" justify="between" gap="3" wrap="wrap" mb="4">
        <Heading as="h1">Runs</Heading>
        <Download query={query} />
      </Flex>
      <FindRuns sought={sought} seek={seek} />
      {runs.error && <ErrorNotice error={runs.error} />}
      {runs.isLoading && !runs.error && <Loading />}
      {!runs.isLoading && runs.items.length === 0 && <NoRuns isFiltered={isFiltered} />}
      {runs.items.length > 0 && (
        <>
          <RunTable
            runs={runs.items}
            control={{
              sorting: sortingOf(sought.sort),
              onSort: (sorting) => seek({ sort: sortText(sorting) }),
              selected,
              onSelect: setSelected,
            }}
            onEnd={runs.isLoadingMore ? undefined : runs.loadMore}
          />
          <Flex align="center" gap="3" mt="3" wrap="wrap">
            <Text color="gray">
              {count(runs.items.length)} {runs.items.length === 1 ? 'run' : 'runs'}
              {runs.loadMore && ', and there are more'}
            </Text>
            {runs.loadMore && (
              <Button look="soft" aria-disabled={runs.isLoadingMore} onClick={runs.loadMore}>
                Older
              </Button>
            )}
          </Flex>
        </>
      )}
      <RunCommands runs={chosen} clear={() => setSelected({})} />
    </>
  )
}

/** `-cost` is the dearest first. */
const sortingOf = (text: string): SortingState =>
  text === '' ? [] : [{ id: text.replace(/^-/, ''), desc: text.startsWith('-') }]
const sortText = ([first]: SortingState): string => (first ? `${first.desc ? '-' : ''}${first.id}` : '')

function NoRuns({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) return <Nothing>No run is like that.</Nothing>
  return (
    <Nothing>
      No run has started. <Link href={linkTo('try')}>Start one here</Link>, or from a terminal:{' '}
      <code>troupe run TEAM TASK</code>.
    </Nothing>
  )
}

interface FindRunsProps {
  readonly sought: Readonly<Record<Filter, string>>
  readonly seek: (changed: Partial<Record<Filter, string>>) => void
}

function FindRuns({ sought: { status, search, team, tags }, seek }: FindRunsProps) {
  return (
    <Find label="Words of task, tags, answer or error" text={search} find={(words) => seek({ search: words.trim() })}>
      <Select
        label="Status"
        value={status || any}
        onChoose={(chosen) => seek({ status: chosen === any ? '' : chosen })}
        options={[any, ...statuses].map((one) => ({ value: one, label: one === any ? 'any status' : one }))}
      />
      <Narrow key={`team ${team}`} label="Team" text={team} find={(name) => seek({ team: name })} />
      <Narrow key={`tags ${tags}`} label="Tags, with commas" text={tags} find={(names) => seek({ tags: names })} />
    </Find>
  )
}

interface NarrowProps {
  readonly label: string
  readonly text: string
  readonly find: (text: string) => void
}

function Narrow({ label, text, find }: NarrowProps) {
  const [typed, setTyped] = useState(text)
  const go = () => {
    if (typed.trim() !== text) find(typed.trim())
  }
  return (
    <TextField
      className="narrow"
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
      onBlur={go}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return
        event.preventDefault()
        go()
      }}
    />
  )
}

/** All that fit, not only those that are loaded. */
function Download({ query }: { readonly query: object }) {
  const client = useClient()
  const { busy, error, run } = useCommand()
  const download = () =>
    run(async () => {
      const all: Summary[] = []
      for await (const one of client.pages('runs.list', { query, max: mostRows })) all.push(one)
      const url = URL.createObjectURL(new Blob([runsAsCsv(all)], { type: 'text/csv' }))
      const link = Object.assign(document.createElement('a'), { href: url, download: 'runs.csv' })
      link.click()
      URL.revokeObjectURL(url)
    })
  return (
    <>
      <Button look="soft" aria-disabled={busy} onClick={download}>
        {busy ? 'Reading …' : 'Download CSV'}
      </Button>
      {error && <ErrorNotice error={error} />}
    </>
  )
}
const mostRows = 50_000
