/** An item of a list whose server has no operation for one item: its pages are read until the item is found. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { ItemOf, OperationRequest, PageName } from 'troupe/client'
import { useClient, useUser } from './use-api.tsx'

/** Items that are read at most. */
export const maxSearched = 1_000
const perPage = 100

interface Pages<Name extends PageName> {
  pages(name: Name, request: object): AsyncIterable<ItemOf<Name>>
}

/** @returns the item, and null where none of the first `maxSearched` items has the id */
export function useItem<Name extends PageName>(
  name: Name,
  request: Omit<OperationRequest<Name>, 'query'>,
  { id, idOf }: { readonly id: string; readonly idOf: (item: ItemOf<Name>) => string },
): UseQueryResult<ItemOf<Name> | null, Error> {
  const client = useClient() as Pages<Name>
  return useQuery<ItemOf<Name> | null, Error>({
    queryKey: [useUser(), name, request, id],
    queryFn: async ({ signal }) => {
      const query = { limit: perPage }
      for await (const item of client.pages(name, { ...request, query, max: maxSearched, signal }))
        if (idOf(item) === id) return item
      return null
    },
  })
}
