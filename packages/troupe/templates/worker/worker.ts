import { createTroupe, defineMessage, Worker } from 'troupe'
import { z } from 'zod'

const PlaceOrder = defineMessage('order.place', z.object({ item: z.string(), count: z.int().min(1) }))

class Stock extends Worker {
  constructor() {
    super('Stock')
    this.on(PlaceOrder, async ({ payload }) => console.log(`${payload.count} of ${payload.item} are on their way`))
  }
}

const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db' })
const ada = troupe.user('ada')
await ada.start(new Stock())
await ada.agent('Shop').messages.send(PlaceOrder, { item: 'tea', count: 2 }, { to: 'Stock' })
process.once('SIGINT', () => void troupe.close())
