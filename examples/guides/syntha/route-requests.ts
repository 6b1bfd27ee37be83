/** Seven agents with clear boundaries; a request goes to one of them by its type, and by nothing else. */
import { createTroupe, defineAgent, patterns } from 'troupe'

interface Request {
  readonly type: string
  readonly about: string
}

const agent = (name: string) => defineAgent({ name, run: async ({ about }: Request) => `${name} handled ${about}` })

const catalog = agent('Catalog')
const inventory = agent('Inventory')
const orders = agent('Orders')
const payments = agent('Payments')
const shipping = agent('Shipping')
const support = agent('Support')
const analytics = agent('Analytics')

const topology = patterns.router({
  by: 'type',
  routes: {
    product_search: catalog,
    check_inventory: inventory,
    create_order: orders,
    process_payment: payments,
    track_shipment: shipping,
    customer_inquiry: support,
    generate_report: analytics,
  },
})

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const route = async (type: string, about: string) => {
    const { success, response, error } = await ada.orchestra.run({ task: { type, about }, topology })
    return success ? response : error?.code
  }
  return [
    await route('product_search', 'a teapot'),
    await route('check_inventory', 'a teapot'),
    await route('create_order', 'order 17'),
    await route('process_payment', 'order 17'),
    await route('track_shipment', 'parcel 4'),
    await route('customer_inquiry', 'parcel 4'),
    await route('generate_report', 'the month'),
    await route('make_coffee', 'a cup'),
  ]
}

if (import.meta.main) console.log(await main())
