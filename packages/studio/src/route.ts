/**
 * Where the page is: behind the `#` of its address, so that the server knows one page only. What is looked for in a list
 * and how far one has come stands there too: a reload, a link and the way back show the same.
 */
import { useCallback, useMemo, useSyncExternalStore } from 'react'

const subscribe = (changed: () => void) => {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}
const useHash = () => useSyncExternalStore(subscribe, () => location.hash)

/** The parts of `#/runs/abc?…`; the last one may be empty, as a key may. */
export function useRoute(): readonly string[] {
  const [path = ''] = useHash().replace(/^#\/?/, '').split('?')
  if (path === '') return []
  return path.split('/').map((one) => {
    try {
      return decodeURIComponent(one)
    } catch {
      return one
    }
  })
}

export const linkTo = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`
export const navigateTo = (...parts: readonly string[]): void => {
  location.hash = linkTo(...parts)
}

/** A link to a list in which something is looked for. */
export const linkToList = (list: string, sought: Readonly<Record<string, string>>): string =>
  `${linkTo(list)}?${new URLSearchParams(sought)}`

/** The text behind the `?` of the address. */
export const useQueryText = (): string => useHash().split('?')[1] ?? ''

/** What is looked for here, and the cursors of the pages behind us. */
export interface Sought {
  readonly of: (name: string) => string
  readonly cursors: readonly string[]
  /** Begins at the first page again. */
  readonly seek: (sought: Readonly<Record<string, string>>) => void
  readonly page: (cursors: readonly string[]) => void
}

const after = 'after'

export function useSought(): Sought {
  const [path = '', query = ''] = useHash().split('?')
  const found = useMemo(() => new URLSearchParams(query), [query])
  const navigate = useCallback(
    (params: URLSearchParams) => {
      location.hash = params.size === 0 ? path : `${path}?${params}`
    },
    [path],
  )
  return {
    of: (name) => found.get(name) ?? '',
    cursors: found.getAll(after),
    seek: (sought) => navigate(new URLSearchParams(Object.entries(sought).filter(([, text]) => text !== ''))),
    page: (cursors) => {
      const params = new URLSearchParams(query)
      params.delete(after)
      for (const cursor of cursors) params.append(after, cursor)
      navigate(params)
    },
  }
}
