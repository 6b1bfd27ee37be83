/** The uses of an entry: the entries whose writer had read it, as their provenance records it. */
import type { Entry } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { count, when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { EntryLink, makerOf, StepLink } from '../parts/sources.tsx'
import { Table, Text } from '../parts/ui.tsx'

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
              <Table>
                <thead>
                  <tr>
                    <th scope="col">Entry</th>
                    <th scope="col">Made by</th>
                    <th scope="col">Step</th>
                    <th scope="col" className="figure">
                      Read version
                    </th>
                    <th scope="col" className="roomy">
                      Written
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {uses.map(({ one: { key: other, provenance, updatedAt }, version }) => (
                    <tr key={other}>
                      <th scope="row" className="break">
                        <EntryLink entry={other} />
                      </th>
                      <td className="break">{makerOf({ provenance })}</td>
                      <td className="break">
                        {provenance.runId !== undefined && provenance.stepId !== undefined && (
                          <StepLink run={provenance.runId} step={provenance.stepId} />
                        )}
                      </td>
                      <td className="figure">{version}</td>
                      <td className="roomy">{when(updatedAt)}</td>
                    </tr>
                  ))}
                </tbody>
              </Table>
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
