/**
 * Cursors as they go over the wire: bound to the list that gave them, whose it is and what it is of, so that another one is
 * refused and not taken for a place of this one. They say where to go on and open nothing, so that nobody gains by making
 * one up.
 */
import { failure, hashText } from '../../core/index.ts'

/** Whose list it is, and of what: everything that is asked of it but the page. */
export interface Listing {
  readonly path: string
  readonly user: string
  readonly agent: string | undefined
  readonly params: unknown
  readonly query: unknown
}

const markLength = 16

function markOf({ path, user, agent, params, query }: Listing, position: string): string {
  const { limit: _, cursor: __, ...asked } = (query ?? {}) as Readonly<Record<string, unknown>>
  return hashText(JSON.stringify([path, user, agent ?? null, params ?? null, asked, position])).slice(0, markLength)
}

/** The query with the place that its cursor holds. @throws ValidationError `cursor.invalid` */
export function openCursor(listing: Listing): unknown {
  const { cursor } = (listing.query ?? {}) as { readonly cursor?: string }
  if (cursor === undefined) return listing.query
  const position = Buffer.from(cursor.slice(markLength), 'base64url').toString()
  if (cursor !== boundCursor(listing, position)) throw failure('cursor.invalid')
  return { ...(listing.query as object), cursor: position }
}

/** The answer as it is told: a page with its cursor bound to its list, anything else as it is. */
export function bindCursor<T>(listing: Listing, answer: T): T {
  const { cursor } = (answer ?? {}) as { readonly cursor?: unknown }
  return typeof cursor === 'string' ? { ...answer, cursor: boundCursor(listing, cursor) } : answer
}

const boundCursor = (listing: Listing, position: string): string =>
  `${markOf(listing, position)}${Buffer.from(position).toString('base64url')}`
