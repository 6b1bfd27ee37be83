import { expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { BatchProcessor } from './batch-processor.ts'

it('A batch processor counts the items of batches in progress, and rejects further ones until a batch is processed.', async () => {
  const clock = createVirtualClock()
  const processed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let batches = 0
  const processor = new BatchProcessor<number, number>({
    async process(items) {
      await processed[batches++]?.promise
      return items
    },
    size: 2,
    maxWaiting: 4,
    clock,
  })
  const added = [1, 2, 3, 4].map((item) => processor.add(item))
  await expect(processor.add(5)).rejects.toMatchObject({ code: 'batch.full', details: { limit: 4 } })
  processed[0]?.resolve()
  expect(await Promise.all(added.slice(0, 2))).toEqual([1, 2])
  const later = [5, 6].map((item) => processor.add(item))
  processed[1]?.resolve()
  expect(await Promise.all([...added, ...later])).toEqual([1, 2, 3, 4, 5, 6])
})
