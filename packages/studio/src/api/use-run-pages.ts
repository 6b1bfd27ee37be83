/** A long list, page by page as it is needed, and asked for again as a whole. */
import { type InfiniteData, useInfiniteQuery } from '@tanstack/react-query'
import type { AnswerOf, OperationRequest } from 'troupe/client'
import { isUnreachable } from './is-problem.ts'
import { isSignedOut, useClient, useUser } from './use-api.tsx'

type Runs = AnswerOf<'runs.list'>
const perPage = 200
/** ms after which one page is asked for again; so many pages wait so much longer. */
const everyMs = 3_000

export interface RunPages {
  readonly items: Runs['items']
  readonly error: Error | null
  readonly isLoading: boolean
  readonly isLoadingMore: boolean
  /** Undefined where all are there. */
  readonly loadMore: (() => void) | undefined
}

export function useRunPages(query: OperationRequest<'runs.list'>['query']): RunPages {
  const client = useClient()
  const found = useInfiniteQuery<Runs, Error, InfiniteData<Runs>, readonly unknown[], string | undefined>({
    // Forgotten with all other answers of the operation.
    queryKey: [useUser(), 'runs.list', { pages: true, query }],
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) =>
      client.call('runs.list', { query: { ...query, limit: perPage, cursor: pageParam }, signal }),
    getNextPageParam: ({ cursor }) => cursor,
    refetchInterval: ({ state }) => (isSignedOut(state.error) ? false : everyMs * (state.data?.pages.length ?? 1)),
    retry: (count, error) => isUnreachable(error) && count < 3,
  })
  return {
    items: found.data?.pages.flatMap(({ items }) => items) ?? [],
    error: found.error,
    isLoading: found.isPending,
    isLoadingMore: found.isFetchingNextPage,
    loadMore: found.hasNextPage ? () => void found.fetchNextPage() : undefined,
  }
}
