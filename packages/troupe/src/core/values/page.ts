/** A page of a list, and the cursor with which the list goes on: what the list did not give itself is refused. */
import { failure } from '../errors/failure.ts'
import { decodeJson } from './json.ts'

/** A page of a list that can be walked on: `for await` goes through all pages. */
export interface Page<T> extends AsyncIterable<T> {
  readonly items: readonly T[]
  /** Where the next page begins; undefined at the end. */
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

/** What a list stands at is private to who saw it: a cursor is only text to go on with, and says nothing of what lies between. */
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
