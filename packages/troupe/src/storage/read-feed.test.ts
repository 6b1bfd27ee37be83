/** A page of the feed while the clean-up removes items. */
import { expect, test } from 'vitest'
import type { Statement } from './changes/statement.ts'
import { readFeed } from './read-feed.ts'
import type { Row } from './storage-port.ts'

/** Reads a feed with one revision of three items, which is removed before the given read. */
function feed(removedBefore: number) {
  const rows = [0, 1, 2].map((ordinal): Row => ({ revision: 1, ordinal, at: 0, kind: 'put', key: 'k', data: '' }))
  let reads = 0
  return async (statements: readonly Statement[]) => {
    const isRemoved = ++reads >= removedBefore
    return statements.map(({ sql }): readonly Row[] =>
      sql.includes('horizon') ? [{ revision: 1, horizon: isRemoved ? 1 : 0 }] : isRemoved ? [] : rows,
    )
  }
}

test('A page of the feed has all items of a revision that is longer than the page.', async () => {
  expect(await readFeed(feed(3), 'ada', 0, 2)).toMatchObject({ items: [{}, {}, {}], head: 1, horizon: 0 })
})

test('A page of the feed asks for a resync if the clean-up removes its revision between two reads.', async () => {
  expect(await readFeed(feed(2), 'ada', 0, 2)).toEqual({ items: [], head: 1, horizon: 1 })
})
