/** The stored results of the runs of a page. */
import type { RunResult, RunSummary } from '../../../runs/index.ts'
import type { Call } from '../../route.ts'

export type StoredResult = Pick<RunResult, 'reason' | 'questions' | 'usage' | 'cost'>

/** Returns the ended and waiting runs of a page of the list, without waiting. */
export async function storedResults(
  { parts, user }: Pick<Call<unknown, unknown, unknown>, 'parts' | 'user'>,
  items: readonly RunSummary[],
) {
  const rows = await Promise.all(items.map(({ id }) => parts.runs.orchestra.row(user, id)))
  return rows.flatMap(({ run: id, result }) =>
    result === null ? [] : [{ id, result: JSON.parse(result) as StoredResult }],
  )
}
