/** A hundred messages at once, or what has come within a second; they are acknowledged together. */
import { createTroupe, defineMessage, type Message, Worker } from 'troupe'
import { z } from 'zod'

const Item = defineMessage('item', z.number())

class BatchProcessor extends Worker {
  readonly sums: number[] = []
  readonly #done = Promise.withResolvers<void>()
  readonly done = this.#done.promise

  constructor(size: number) {
    super('BatchProcessor')
    this.onBatch(Item, { size, wait: '1s' }, this.processBatch)
  }

  processBatch(items: readonly Message<number>[]) {
    this.sums.push(items.reduce((sum, { payload }) => sum + payload, 0))
    if (this.sums.length === 2) this.#done.resolve()
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const { messages } = ada.agent('Source')
  await Promise.all(Array.from({ length: 200 }, () => messages.send(Item, 1, { to: 'BatchProcessor' })))
  const processor = new BatchProcessor(100)
  await using _running = await ada.start(processor)
  await processor.done
  return processor.sums
}

if (import.meta.main) console.log(await main())
