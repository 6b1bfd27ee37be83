import { Link } from '@tanstack/react-router'
import type { RowSelectionState } from '@tanstack/react-table'
import { useEffect, useState } from 'react'
import type { Summary } from '../api/shapes.ts'
import { useClient } from '../api/use-api.tsx'
import { inOrder, listsOf, type RunQuery, useFoundRuns } from '../api/use-found-runs.ts'
import { useMay } from '../api/use-may.ts'
import { count } from '../format.ts'
import { ErrorNotice, Loading, Nothing } from '../parts/answer.tsx'
import { download } from '../parts/download.ts'
import { Find } from '../parts/find.tsx'
import { NewRunLink } from '../parts/new-run-link.tsx'
import { RunCommands, useRunCommands } from '../parts/run-commands.tsx'
import { RunTable } from '../parts/run-table.tsx'
import { runsAsCsv } from '../parts/runs-as-csv.ts'
import { SavedFilters } from '../parts/saved-filters.tsx'
import { Button, Flex, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { type RunsSearch, runStatuses, runsRoute } from '../routes.ts'

const any = 'any'
/** Of one download. */
const maxRows = 50_000

export function Runs() {
  const sought = runsRoute.useSearch()
  const navigate = runsRoute.useNavigate()
  const seek = (changed: RunsSearch) => void navigate({ search: { ...sought, ...changed } })
  const { status, search, team, tags, order = 'newest' } = sought
  const query = { status, search, team, tags, order }
  const runs = useFoundRuns(query)
  const hasCommands = useRunCommands()
  const [selected, setSelected] = useState<RowSelectionState>({})
  const chosen = runs.items.filter(({ id }) => selected[id])
  const isFiltered = Boolean(status ?? search ?? team ?? tags)
  return (
    <>
      <ViewHeader title="Runs">
        <Download query={query} />
        <NewRunLink />
      </ViewHeader>
      <FindRuns sought={sought} seek={seek} />
      <SavedFilters list="/runs" />
      {runs.error && <ErrorNotice error={runs.error} />}
      {runs.isLoading && !runs.error && <Loading />}
      {!runs.isLoading && runs.items.length === 0 && <NoRuns isFiltered={isFiltered} />}
      {runs.items.length > 0 && (
        <>
          <RunTable
            runs={runs.items}
            control={{
              order,
              onOrder: (chosen) => seek({ order: chosen === 'newest' ? undefined : chosen }),
              selected,
              onSelect: hasCommands ? setSelected : undefined,
              // After an error the button asks again.
              onEnd: runs.isLoadingMore || runs.error ? undefined : runs.loadMore,
            }}
          />
          <Flex align="center" gap="3" mt="3" wrap="wrap">
            <Text color="gray">
              {count(runs.items.length)} {runs.items.length === 1 ? 'run' : 'runs'}
              {runs.loadMore && ', and there are more'}
            </Text>
            {runs.loadMore && (
              <Button look="soft" aria-disabled={runs.isLoadingMore} onClick={runs.loadMore}>
                More
              </Button>
            )}
          </Flex>
        </>
      )}
      <RunCommands runs={chosen} clear={() => setSelected({})} />
    </>
  )
}

function NoRuns({ isFiltered }: { readonly isFiltered: boolean }) {
  const may = useMay()
  if (isFiltered) return <Nothing>No run fits these filters. Remove one, or search for fewer words.</Nothing>
  return (
    <Nothing>
      No run has started. {may('runs.start') && <Link to="/try">Start one here.</Link>} From a terminal:{' '}
      <code>troupe run TEAM TASK</code>.
    </Nothing>
  )
}

interface FindRunsProps {
  readonly sought: RunsSearch
  readonly seek: (changed: RunsSearch) => void
}

function FindRuns({ sought: { status, search = '', team = '', tags = '' }, seek }: FindRunsProps) {
  return (
    <Find
      label="Words of task, tags, answer or error"
      text={search}
      find={(words) => seek({ search: words.trim() || undefined })}
    >
      <Select
        label="Status"
        value={status ?? any}
        onChoose={(chosen) => seek({ status: chosen === any ? undefined : chosen })}
        options={([any, ...runStatuses] as const).map((one) => ({
          value: one,
          label: one === any ? 'any status' : one,
        }))}
      />
      <Narrow label="Team" text={team} find={(name) => seek({ team: name || undefined })} />
      <Narrow label="Tags, with commas" text={tags} find={(names) => seek({ tags: names || undefined })} />
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
  useEffect(() => setTyped(text), [text])
  const go = () => {
    if (typed.trim() !== text) find(typed.trim())
  }
  return (
    <input
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

/** Downloads all runs that fit, those that are not loaded too. */
function Download({ query }: { readonly query: RunQuery }) {
  const client = useClient()
  const { busy, error, run } = useCommand()
  const [isCut, setIsCut] = useState(false)
  const save = () =>
    run(async () => {
      const found: Summary[] = []
      for (const list of listsOf(query))
        for await (const one of client.pages('runs.list', { query: list, max: maxRows + 1 })) found.push(one)
      const all = inOrder(found, query.order)
      setIsCut(all.length > maxRows)
      download('runs.csv', runsAsCsv(all.slice(0, maxRows)), 'text/csv')
    })
  return (
    <>
      <Button look="soft" aria-disabled={busy} onClick={save}>
        {busy ? 'Reading …' : 'Download CSV'}
      </Button>
      {isCut && (
        <div role="status">
          <Text size="small" color="gray">
            The file holds the first {count(maxRows)} runs of the list: narrow the list for the others.
          </Text>
        </div>
      )}
      {error && <ErrorNotice error={error} />}
    </>
  )
}
