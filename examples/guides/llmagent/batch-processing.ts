/** Single items go in, batches of ten are worked on, and each gets its own result; a bad one fails alone. */
import { BatchProcessor } from 'troupe/resilience'

export async function main() {
  const sizes: number[] = []
  await using batches = new BatchProcessor({
    size: 10,
    wait: '20ms',
    process: async (items: readonly number[]) => {
      sizes.push(items.length)
      return items.map((item) => (item === 13 ? new Error('no thirteen') : item * 2))
    },
  })
  const results = await Promise.allSettled(Array.from({ length: 25 }, (_, i) => batches.add(i)))
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []))
  return {
    sizes,
    failed,
    last: results.at(-1)?.status === 'fulfilled' ? (results.at(-1) as { value: number }).value : undefined,
  }
}

if (import.meta.main) console.log(await main())
