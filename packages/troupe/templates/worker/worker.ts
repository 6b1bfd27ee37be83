import { createTroupe } from 'troupe'
import { PlaceOrder, Stock } from './stock.ts'

const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db' })
const ada = troupe.user('ada')
await ada.start(new Stock())
await ada.agent('Shop').messages.send(PlaceOrder, { item: 'tea', count: 2 }, { to: 'Stock' })
process.once('SIGINT', () => void troupe.close())
