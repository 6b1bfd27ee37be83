/** The uses of an entry: the entries whose writer had read it, as their provenance records it. */
import type { Entry } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { count, when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { DataTable } from '../parts/data-table.tsx'
import { EntryLink, makerOf, StepLink } from '../parts/sources.tsx'
import { Text } from '../parts/ui.tsx'

/** As many as the server lists at once. */
const maxEntries = 200

export function EntryUses({ entry: key }: { readonly entry: string }) {
  const entries = useAnswer('context.list', { query: { limit: maxEntries } })
  return (
    <Answer of={entries}>
      {({ items, cursor }) => {
        const uses = items.flatMap((one) => {
          const version = versionRead(one, key)
          return version === undefined || one.key === key ? [] : [{ one, version }]
        })
        return (
          <>
            {uses.length === 0 ? (
              <Nothing>No entry names this one among what its writer had read.</Nothing>
            ) : (
              <DataTable
                columns={[
                  { title: 'Entry', breaks: true, of: ({ one }) => <EntryLink entry={one.key} /> },
                  { title: 'Made by', breaks: true, of: ({ one }) => makerOf(one) },
                  {
                    title: 'Step',
                    breaks: true,
                    of: ({ one }) => {
                      const { runId, stepId } = one.provenance
                      return runId !== undefined && stepId !== undefined && <StepLink run={runId} step={stepId} />
                    },
                  },
                  { title: 'Read version', numeric: true, of: ({ version }) => version },
                  { title: 'Written', wideOnly: true, of: ({ one }) => when(one.updatedAt) },
                ]}
                rows={uses}
                rowKey={({ one }) => one.key}
              />
            )}
            {cursor !== undefined && (
              <Text as="p" size="small" color="gray" mt="1">
                Of the first {count(maxEntries)} entries.
              </Text>
            )}
          </>
        )
      }}
    </Answer>
  )
}

/** The newest version of the entry that the writer of another one had read. */
function versionRead({ provenance: { readFrom = [] } }: Entry, key: string): number | undefined {
  const versions = readFrom.flatMap((one) => {
    const at = one.lastIndexOf('@')
    return one.slice(0, at) === key ? [Number(one.slice(at + 1))] : []
  })
  return versions.length === 0 ? undefined : Math.max(...versions)
}
