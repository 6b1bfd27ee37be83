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
