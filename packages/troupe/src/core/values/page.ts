/** A page of a list, and the cursor of the next page. A list rejects cursors that it did not create. */
import { failure } from '../errors/failure.ts'
import { decodeJson } from '../json/json.ts'

/** A page of a list. `for await` iterates over the items of all pages. */
export interface Page<T> extends AsyncIterable<T> {
  /** The items of this page, in order. */
  readonly items: readonly T[]
  /** The cursor of the next page; undefined on the last page. */
  readonly cursor: string | undefined
}

export function createPage<T>(
  items: readonly T[],
  cursor: string | undefined,
  next: (cursor: string) => Promise<Page<T>>,
): Page<T> {
  return {
    items,
    cursor,
    async *[Symbol.asyncIterator]() {
      for (let page: Page<T> = { items, cursor } as Page<T>; ; page = await next(page.cursor)) {
        yield* page.items
        if (page.cursor === undefined) return
      }
    },
  }
}

/** A key of 1,024 bytes, escaped as JSON and in base64, is shorter. */
const maxCursorLength = 16_384

/** Encodes the position of a list. A cursor is opaque and grants no access to the items. */
export const encodeCursor = (at: string): string => Buffer.from(JSON.stringify({ k: at })).toString('base64url')

/** @throws ValidationError `cursor.invalid` */
export function decodeCursor(cursor: unknown): string {
  if (typeof cursor !== 'string' || cursor.length > maxCursorLength) throw failure('cursor.invalid')
  try {
    const decoded = decodeJson(Buffer.from(cursor, 'base64url').toString()) as { readonly k?: unknown }
    if (typeof decoded.k === 'string' && decoded.k.isWellFormed() && !decoded.k.includes('\0')) return decoded.k
  } catch {}
  throw failure('cursor.invalid')
}
