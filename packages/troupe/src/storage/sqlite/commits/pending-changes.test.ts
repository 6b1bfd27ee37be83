import { expect, test } from 'vitest'
import { failure, type UserId } from '../../../core/index.ts'
import type { Change } from '../../storage-port.ts'
import { PendingChanges } from './pending-changes.ts'

const user = 'ada' as UserId
const change = (...texts: readonly string[]): Change => ({
  id: null,
  scope: { user },
  statements: texts.map((text) => ({ sql: 'insert into notes values (?)', binds: [text] })),
})

function pendingWith(limits: { readonly changes: number; readonly cells: number }, changes: readonly Change[]) {
  const pending = new PendingChanges(limits)
  const rejected: string[] = []
  for (const each of changes)
    pending.add({ change: each, resolve: () => {}, reject: ({ code }) => void rejected.push(code) })
  const batchSizes = () => {
    const sizes: number[] = []
    for (let size = pending.nextBatch().group.length; size > 0; size = pending.nextBatch().group.length)
      sizes.push(size)
    return sizes
  }
  return { pending, rejected, batchSizes }
}

test('Pending changes leave in order, as many as a batch may have.', () => {
  const changes = ['a', 'b', 'c', 'd', 'e'].map((text) => change(text))
  const { pending } = pendingWith({ changes: 2, cells: 1_000 }, changes)
  expect(pending.fillsBatch).toBe(true)
  const left = [pending.nextBatch(), pending.nextBatch(), pending.nextBatch()]
  expect(left.flatMap(({ group }) => group.map((each) => each.change))).toEqual(changes)
  expect(left.map(({ group }) => group.length)).toEqual([2, 2, 1])
  expect(pending.first).toBeUndefined()
})

test('A batch of pending changes is closed at its limit of cells.', () => {
  const changes = Array.from({ length: 4 }, () => change('a'))
  expect(pendingWith({ changes: 100, cells: 1 }, changes).batchSizes()).toEqual([1, 1, 1, 1])
})

test('A large change is in no batch.', () => {
  const large = change(...Array.from({ length: 3_000 }, (_, i) => `${i}`))
  const { pending, batchSizes } = pendingWith({ changes: 100, cells: 1_000 }, [change('a'), large, change('b')])
  expect(batchSizes()).toEqual([1])
  expect(pending.first?.change).toBe(large)
  pending.shift()
  expect(batchSizes()).toEqual([1])
})

test('Pending changes that are rejected together leave no batch.', () => {
  const { pending, rejected, batchSizes } = pendingWith({ changes: 2, cells: 100 }, [change('a'), change('b')])
  pending.rejectAll(() => failure('storage.full', { path: 'shop.db' }))
  expect(rejected).toEqual(['storage.full', 'storage.full'])
  expect(batchSizes()).toEqual([])
})
