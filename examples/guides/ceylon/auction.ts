/** A sealed-bid auction: it begins when enough bidders are present, the highest bid wins, and everyone is told. */
import { createTroupe, defineMessage, type HandlerContext, type Message, type Messages, Worker } from 'troupe'
import { z } from 'zod'

const Item = z.object({ name: z.string(), reserve: z.number() })
const Open = defineMessage('auction.open', Item)
const Offer = defineMessage('auction.offer', Item, { reply: z.number() })
const Sold = defineMessage(
  'auction.sold',
  z.object({ item: z.string(), to: z.nullable(z.string()), price: z.number() }),
)

class Auctioneer extends Worker {
  readonly #item: z.infer<typeof Item>
  readonly #needed: number
  readonly #bidders = new Set<string>()

  constructor(item: z.infer<typeof Item>, needed: number) {
    super('Auctioneer', { role: 'auctioneer' })
    this.#item = item
    this.#needed = needed
    this.onConnect('auction:bidder', this.admit)
    this.on(Open, this.auction)
  }

  async admit({ name }: Messages.AgentDetail) {
    this.#bidders.add(name)
    // The dedupe id: an auctioneer that starts again does not sell the same thing twice.
    if (this.#bidders.size === this.#needed)
      await this.send(Open, this.#item, { to: this.name, dedupeId: this.#item.name })
  }

  /** One durable step: a crash in its midst asks nobody again who has answered. */
  async auction({ payload: item }: Message<z.infer<typeof Item>>, { messages }: HandlerContext) {
    const bids = await Promise.all(
      [...this.#bidders].map(async (bidder) => ({
        bidder,
        // Who fails, or does not answer in time, has not bid.
        price: await messages.request(Offer, item, { to: bidder, timeout: '5s' }).catch(() => 0),
      })),
    )
    const best = bids.reduce((high, bid) => (bid.price > high.price ? bid : high))
    const sold = best.price >= item.reserve
    const outcome = { item: item.name, to: sold ? best.bidder : null, price: sold ? best.price : 0 }
    await messages.broadcast(Sold, outcome, { to: [...this.#bidders] })
  }
}

class Bidder extends Worker {
  readonly #outcome = Promise.withResolvers<string>()
  readonly outcome = this.#outcome.promise

  constructor(name: string, budget: number) {
    super(name, { role: 'bidder', topics: ['auction'], retry: { attempts: 1 } })
    this.on(Offer, () => {
      if (Number.isNaN(budget)) throw new Error('no idea')
      return budget
    })
    this.on(Sold, ({ payload: { item, to, price } }) =>
      this.#outcome.resolve(to === name ? `${name} has the ${item} for ${price}` : `${name} goes home`),
    )
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  await ada.start(new Auctioneer({ name: 'painting', reserve: 100 }, 4))
  const bidders = [new Bidder('Ann', 110), new Bidder('Bob', 140), new Bidder('Cyd', 90), new Bidder('Dan', Number.NaN)]
  for (const bidder of bidders) await ada.start(bidder)
  return await Promise.all(bidders.map(({ outcome }) => outcome))
}

if (import.meta.main) console.log(await main())
