/** A long list, page by page as it is needed, and asked for again as a whole. */
import { type InfiniteData, useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { AnswerOf, OperationRequest } from 'troupe/client'
import { isSignedOut, useClient, useUpdatesConnection, useUser, withoutUpdatesEvery } from './use-api.tsx'

type Runs = AnswerOf<'runs.list'>
const perPage = 200

export interface RunPages {
  readonly items: Runs['items']
  readonly error: Error | null
  readonly isLoading: boolean
  readonly isLoadingMore: boolean
  /** Undefined where all are there. */
  readonly loadMore: (() => void) | undefined
}

export function useRunPages(query: OperationRequest<'runs.list'>['query'], enabled = true): RunPages {
  const client = useClient()
  const isWithoutUpdates = useUpdatesConnection() === 'ended'
  const found = useInfiniteQuery<Runs, Error, InfiniteData<Runs>, readonly unknown[], string | undefined>({
    // Forgotten with all other answers of the operation.
    queryKey: [useUser(), 'runs.list', { pages: true, query }],
    initialPageParam: undefined,
    enabled,
    queryFn: ({ pageParam, signal }) =>
      client.call('runs.list', { query: { ...query, limit: perPage, cursor: pageParam }, signal }),
    getNextPageParam: ({ cursor }) => cursor,
    refetchInterval: ({ state }) =>
      isWithoutUpdates && !isSignedOut(state.error) ? withoutUpdatesEvery * (state.data?.pages.length ?? 1) : false,
  })
  const { data } = found
  // The same list at each render, so that its table prepares its rows once.
  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data])
  return {
    items,
    error: found.error,
    isLoading: found.isPending,
    isLoadingMore: found.isFetchingNextPage,
    loadMore: found.hasNextPage ? () => void found.fetchNextPage() : undefined,
  }
}
