/** Many changes in one: together or not at all, or each for itself; the results are in the order of the operations. */
import { type AgentHandle, createTroupe, type TroupeError } from 'troupe'

export const updateAll = (agent: AgentHandle, updates: Record<string, number>) =>
  agent.context.batch(
    Object.entries(updates).map(([key, value]) => ({ type: 'push', key, value })),
    { atomic: true },
  )

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const stock = ada.agent('Stock')
  await ada.agent('Buyer').context.push('prices.teapot', 30)
  await updateAll(stock, { 'stock.teapot': 4, 'stock.cup': 12 })
  // The price is not the stock's to write: nothing of this happens.
  const rejected = await updateAll(stock, { 'stock.teapot': 3, 'prices.teapot': 1 }).catch(
    (error: TroupeError) => error.code,
  )
  const results = await stock.context.batch([
    { type: 'get', key: 'stock.teapot' },
    { type: 'push', key: 'prices.teapot', value: 1 },
    { type: 'delete', key: 'stock.cup' },
  ])
  return {
    rejected,
    teapots: results[0],
    successes: results.map(({ success }) => success),
    left: (await stock.context.keys()).items,
  }
}

if (import.meta.main) console.log(await main())
