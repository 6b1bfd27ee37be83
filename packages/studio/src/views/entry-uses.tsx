/** The uses of an entry: the entries whose writer had read it, as their provenance records it. */
import { useQuery } from '@tanstack/react-query'
import type { Entry } from '../api/shapes.ts'
import { entryUses } from '../api/updates.tsx'
import { useClient, useUser } from '../api/use-api.tsx'
import { count, when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { EntryLink, makerOf, StepLink } from '../parts/sources.tsx'
import { Text } from '../parts/ui.tsx'

/** Entries that are searched at most. */
const maxEntries = 2_000
/** As many as the server lists at once. */
const perPage = 200

interface Use {
  readonly one: Entry
  /** The newest version of the entry that the writer of `one` had read. */
  readonly version: number
}
interface FoundUses {
  readonly uses: readonly Use[]
  /** True if there are more entries than are searched. */
  readonly isCut: boolean
}

/** The key names a question of its own: its pages are read again every 10 s at most while entries change. */
function useUses(key: string) {
  const client = useClient()
  return useQuery<FoundUses, Error>({
    queryKey: [useUser(), entryUses, key],
    queryFn: async ({ signal }) => {
      const uses: Use[] = []
      let read = 0
      for await (const one of client.pages('context.list', {
        query: { limit: perPage },
        max: maxEntries + 1,
        signal,
      })) {
        if (++read > maxEntries) break
        const version = versionRead(one, key)
        if (version !== undefined && one.key !== key) uses.push({ one, version })
      }
      return { uses, isCut: read > maxEntries }
    },
  })
}

export function EntryUses({ entry: key }: { readonly entry: string }) {
  return (
    <Answer of={useUses(key)}>
      {({ uses, isCut }) => (
        <>
          {uses.length === 0 ? (
            <Nothing>No entry has this one as a source. An entry appears here if its writer had read this one.</Nothing>
          ) : (
            <DataTable
              columns={[
                {
                  header: 'Entry',
                  accessorFn: ({ one }) => one.key,
                  cell: fromRow(({ one }) => <EntryLink entry={one.key} />),
                  meta: { breaks: true },
                },
                { header: 'Made by', accessorFn: ({ one }) => makerOf(one), meta: { breaks: true } },
                {
                  header: 'Step',
                  cell: fromRow(({ one }) => {
                    const { runId, stepId } = one.provenance
                    return runId !== undefined && stepId !== undefined && <StepLink run={runId} step={stepId} />
                  }),
                  meta: { breaks: true },
                },
                { header: 'Read version', accessorFn: ({ version }) => version, meta: { numeric: true } },
                {
                  header: 'Written',
                  accessorFn: ({ one }) => one.updatedAt,
                  cell: fromRow(({ one }) => when(one.updatedAt)),
                  meta: { wideOnly: true },
                },
              ]}
              rows={uses}
              rowKey={({ one }) => one.key}
            />
          )}
          {isCut && (
            <Text as="p" size="small" color="gray" mt="1">
              There are more entries: only the first {count(maxEntries)} are searched.
            </Text>
          )}
        </>
      )}
    </Answer>
  )
}

/** Returns the newest version of the entry that the writer of another one had read. */
function versionRead({ provenance: { readFrom = [] } }: Entry, key: string): number | undefined {
  const versions = readFrom.flatMap((one) => {
    const at = one.lastIndexOf('@')
    return one.slice(0, at) === key ? [Number(one.slice(at + 1))] : []
  })
  return versions.length === 0 ? undefined : Math.max(...versions)
}
