/** The failed runs whose causes Home shows: the newest of them as they change, and older ones as they were a minute ago. */
import { useQuery } from '@tanstack/react-query'
import type { Summary } from './shapes.ts'
import { useAnswer, useClient, useUser } from './use-api.tsx'

export const newestFailed = { query: { status: 'failed', limit: 100 } } as const
const perPage = 500
/** ms after which older failed runs are read again: a run that failed now may have been started long ago. */
const olderEvery = 60_000

interface FailedRuns {
  /** The newest first. */
  readonly items: readonly Summary[]
  /** Whether more runs have failed. */
  readonly hasMore: boolean
  readonly error: Error | null
}

/** @param limit the number of runs, at most; a multiple of 500 */
export function useFailedRuns(limit: number): FailedRuns {
  const client = useClient()
  const { data: newest } = useAnswer('runs.list', newestFailed)
  const hasOlder = newest?.cursor !== undefined
  const { data: older, error } = useQuery<{ readonly items: readonly Summary[]; readonly hasMore: boolean }>({
    queryKey: [useUser(), 'failed-runs', limit],
    enabled: hasOlder,
    refetchInterval: olderEvery,
    placeholderData: (before) => before,
    queryFn: async ({ signal }) => {
      const items: Summary[] = []
      let cursor: string | undefined
      do {
        const query = { ...newestFailed.query, limit: perPage, cursor }
        const page = await client.call('runs.list', { query, signal })
        items.push(...page.items)
        cursor = page.cursor
      } while (cursor !== undefined && items.length < limit)
      return { items, hasMore: cursor !== undefined }
    },
  })
  const known = hasOlder && older ? older.items : []
  const all = new Map([...(newest?.items ?? []), ...known].map((run) => [run.id, run]))
  return { items: [...all.values()], hasMore: hasOlder && (older?.hasMore ?? true), error }
}
