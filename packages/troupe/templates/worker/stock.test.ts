import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTroupe } from 'troupe'
import { PlaceOrder, Stock } from './stock.ts'

test('The worker of the template answers an order with the remaining stock.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'warn' })
  const user = troupe.user('test')
  await user.start(new Stock())
  const reply = await user.agent('Shop').messages.request(PlaceOrder, { item: 'tea', count: 2 }, { to: 'Stock' })
  assert.deepEqual(reply, { left: 98 })
})
