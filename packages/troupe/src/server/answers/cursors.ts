/**
 * Cursors in the form of the HTTP API. A cursor is bound to its list and caller, so that a cursor of another list is
 * rejected. It only says where a list continues and grants no access, so a forged cursor is harmless.
 */
import { failure, hashText } from '../../core/index.ts'

/** Identifies the list: its caller and all parameters except for the page. */
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

/** Returns the query with the position of its cursor. @throws ValidationError `cursor.invalid` */
export function openCursor(listing: Listing): unknown {
  const { cursor } = (listing.query ?? {}) as { readonly cursor?: string }
  if (cursor === undefined) return listing.query
  const position = Buffer.from(cursor.slice(markLength), 'base64url').toString()
  if (cursor !== boundCursor(listing, position)) throw failure('cursor.invalid')
  return { ...(listing.query as object), cursor: position }
}

/** Returns a page with its cursor bound to its list, and any other answer unchanged. */
export function bindCursor<T>(listing: Listing, answer: T): T {
  const { cursor } = (answer ?? {}) as { readonly cursor?: unknown }
  return typeof cursor === 'string' ? { ...answer, cursor: boundCursor(listing, cursor) } : answer
}

const boundCursor = (listing: Listing, position: string): string =>
  `${markOf(listing, position)}${Buffer.from(position).toString('base64url')}`
