/** The runs that have all words of a search, and those that have all its parts in task or tags, as one list. */
import type { OperationRequest } from 'troupe/client'
import type { RunOrder } from '../routes.ts'
import type { Summary } from './shapes.ts'
import { type RunPages, useRunPages } from './use-run-pages.ts'

export type RunQuery = NonNullable<OperationRequest<'runs.list'>['query']>

/** The highest number of characters of a title that the server looks for. */
const maxTitle = 200

/** The server rejects a search for words that has none. */
const letter = /[\p{L}\p{N}\p{M}]/u

/** The lists of the server that together hold the runs of a query: the server finds words, or parts of them, in one list. */
export function listsOf({ search, ...query }: RunQuery): readonly [RunQuery, ...RunQuery[]] {
  const text = search?.trim()
  if (!text) return [query]
  const byParts = { ...query, title: text.slice(0, maxTitle) }
  return letter.test(text) ? [{ ...query, search: text }, byParts] : [byParts]
}

export function useFoundRuns(query: RunQuery): RunPages {
  const [first, second] = listsOf(query)
  const found = useRunPages(first)
  const byTitle = useRunPages(second ?? first, second !== undefined)
  if (second === undefined) return found
  const both = [found, byTitle]
  const toLoad = both.flatMap(({ loadMore }) => loadMore ?? [])
  return {
    items: mergeRuns(both, query.order),
    error: found.error ?? byTitle.error,
    isLoading: both.some(({ isLoading }) => isLoading),
    isLoadingMore: both.some(({ isLoadingMore }) => isLoadingMore),
    loadMore: toLoad.length === 0 ? undefined : () => toLoad.forEach((load) => void load()),
  }
}

/** Returns the runs in their order, up to the place where one of the lists goes on: its next page may stand there. */
function mergeRuns(lists: readonly Pick<RunPages, 'items' | 'loadMore'>[], order: RunOrder | undefined) {
  const merged = inOrder(
    lists.flatMap(({ items }) => items),
    order,
  )
  const ends = lists.flatMap(({ items, loadMore }) => {
    const last = items.at(-1)
    return loadMore && last ? [merged.findIndex(({ id }) => id === last.id) + 1] : []
  })
  return merged.slice(0, Math.min(merged.length, ...ends))
}

/** Returns each run once, in the order of the server. */
export function inOrder(runs: readonly Summary[], order: RunOrder = 'newest'): readonly Summary[] {
  const direction = order === 'oldest' ? 1 : -1
  const byStatus = (a: Summary, b: Summary) =>
    order !== 'status' || a.status === b.status ? 0 : a.status < b.status ? -1 : 1
  const found = new Map(runs.map((run) => [run.id, { run, at: orderValues[order](run) }]))
  return [...found.values()]
    .sort((a, b) => direction * (byStatus(a.run, b.run) || a.at - b.at || (a.run.id < b.run.id ? -1 : 1)))
    .map(({ run }) => run)
}

const startOf = ({ createdAt }: Summary) => Date.parse(createdAt)

const orderValues: Readonly<Record<RunOrder, (run: Summary) => number>> = {
  newest: startOf,
  oldest: startOf,
  status: startOf,
  cost: ({ cost }) => cost?.usd ?? 0,
  tokens: ({ usage }) => (usage ? usage.inputTokens + usage.outputTokens : 0),
  duration: ({ createdAt, endedAt }) => (endedAt === undefined ? 0 : Date.parse(endedAt) - Date.parse(createdAt)),
}
