/** Keys in levels, from helpers or from a form of one's own, and what the levels are good for. */
import { createTroupe, defineKey } from 'troupe'
import { contextKeys } from 'troupe/context'
import { z } from 'zod'

const ResponseTime = defineKey('system.{component}.response_time', z.number().positive())

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { context } = troupe.user('ada').agent('Clerk')
  await context.push(contextKeys.user('12345', 'profile'), { name: 'John' }) // users.12345.profile
  await context.push(contextKeys.order('ORDER_123', 'status'), 'paid') // orders.ORDER_123.status
  await context.push(contextKeys.order('ORDER_123'), { total: 90 }) // orders.ORDER_123.details
  await context.push(contextKeys.product('SKU_9'), { price: 30 }) // products.SKU_9.details
  await context.push(contextKeys.cache('search', 'teapots'), ['SKU_9'], { lifecycle: 'cache' }) // cache.search.teapots
  await context.push(ResponseTime({ component: 'api' }), 12) // checked against its schema
  return {
    ofOneOrder: (await context.keys({ prefix: 'orders.ORDER_123.' })).items,
    details: (await context.keys({ pattern: '*.details' })).items,
    // Of each component its response time: the form is a pattern too.
    measured: (await context.keys({ pattern: ResponseTime.pattern })).items,
    responseTime: await context.get(ResponseTime({ component: 'api' })),
  }
}

if (import.meta.main) console.log(await main())
