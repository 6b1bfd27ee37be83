import { defineMessage, Worker } from 'troupe'
import { z } from 'zod'

export const PlaceOrder = defineMessage('order.place', z.object({ item: z.string(), count: z.int().min(1) }), {
  reply: z.object({ left: z.int() }),
})

/** Handles one order at a time; an order whose handler fails is delivered again. */
export class Stock extends Worker {
  #left = 100

  constructor() {
    super('Stock')
    this.on(PlaceOrder, async ({ payload }) => {
      this.#left -= payload.count
      console.log(`${payload.count} of ${payload.item} are on their way`)
      return { left: this.#left }
    })
  }
}
