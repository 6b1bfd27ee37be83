/** Messages by urgency, many at once, and to many. Accepted means kept: nobody has to queue them himself. */
import { createTroupe, defineMessage, type Message, Worker } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.string())
const Sale = defineMessage('sale', z.object({ usd: z.number() }), { ordering: 'none' })

/** Takes what comes in tens, or what has come within five seconds. */
class Ledger extends Worker {
  readonly batches: number[] = []
  readonly #done = Promise.withResolvers<void>()
  readonly done = this.#done.promise

  constructor() {
    super('Ledger')
    this.onBatch(Sale, { size: 10, wait: '5s' }, this.book)
  }

  async book(sales: readonly Message<{ usd: number }>[]) {
    this.batches.push(sales.length)
    this.#done.resolve()
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const [boss, clerk] = [ada.agent('Boss'), ada.agent('Clerk')]
  const texts = {
    low: 'tidy up',
    normal: 'write the report',
    high: 'call the customer',
    urgent: 'stop the press',
  } as const
  for (const priority of ['low', 'normal', 'high', 'urgent'] as const)
    await boss.messages.send(Task, texts[priority], { to: 'Clerk', priority })
  const order: unknown[] = []
  for (const delivery of await clerk.mailbox.receive({ max: 10 })) {
    order.push(delivery.message.payload)
    await delivery.ack()
  }

  // One failure stops no other: an outcome for each, the sender left out.
  const outcomes = await boss.messages.broadcast(Task, 'a meeting at ten', { to: ['Clerk', 'Sales', 'Boss', ''] })

  for (let usd = 1; usd <= 10; usd++) await boss.messages.send(Sale, { usd }, { to: 'Ledger' })
  const ledger = new Ledger()
  await using _running = await ada.start(ledger)
  await ledger.done
  return { order, outcomes: outcomes.map(({ to, success }) => ({ to, success })), batches: ledger.batches }
}

if (import.meta.main) console.log(await main())
