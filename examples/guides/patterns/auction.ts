/**
 * A sealed auction at the second price: the highest bid wins and pays what the second highest was, so that nobody gains by
 * bidding other than what it is worth to them (Vickrey, "Counterspeculation, Auctions, and Competitive Sealed Tenders", 1961).
 */
import { type Agent, createTroupe, defineAgent, finish, invoke, patterns } from 'troupe'

interface Item {
  readonly name: string
}
interface Bids {
  readonly results: readonly { readonly agent: string; readonly success: boolean; readonly value?: number }[]
}

/** @param bidders each is given the item alone and answers with its price; who fails or is late has not bid */
export function auction(bidders: readonly Agent[], reserve: number) {
  const auctioneer = defineAgent({
    name: 'Auctioneer',
    run: async (input: Item | Bids) => {
      if (!('results' in input)) return invoke(bidders.map((agent) => ({ agent, input })))
      const bids = input.results
        .map(({ agent, value = 0 }) => ({ agent, value }))
        .filter(({ value }) => value >= reserve)
        .sort((a, b) => b.value - a.value)
      const [winner, second] = bids
      return finish(winner ? { winner: winner.agent, price: second?.value ?? reserve } : { winner: null, price: 0 })
    },
  })
  return patterns.supervisor({ supervisor: auctioneer, workers: bidders, config: { deadline: '10s' } })
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')
  const bidder = (name: string, worth: number) => defineAgent({ name, run: async () => worth })
  const absent = defineAgent({ name: 'Dan', run: () => Promise.reject(new Error('he overslept')) })
  const bidders = [bidder('Ann', 110), bidder('Bob', 140), bidder('Cyd', 90), absent]
  const sell = async (reserve: number) =>
    (await orchestra.run({ task: { name: 'painting' }, topology: auction(bidders, reserve) })).response
  return [await sell(100), await sell(120), await sell(200)]
}

if (import.meta.main) console.log(await main())
