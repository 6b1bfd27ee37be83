/** Layers: one coordinates, three process and share one mailbox, one stores. Each knows the layer below by its name. */
import { createTroupe, defineMessage, type HandlerContext, type Message, Worker } from 'troupe'
import { z } from 'zod'

const Job = defineMessage('job', z.array(z.string()), { reply: z.number() })
// Without an order among them, the texts of one coordinator can be counted by three at once.
const Count = defineMessage('count', z.string(), { reply: z.number(), ordering: 'none' })
const Store = defineMessage('store', z.object({ name: z.string(), words: z.number() }), { reply: z.null() })

class Coordinator extends Worker {
  constructor() {
    super('Coordination', { role: 'admin' })
    this.on(Job, this.coordinate)
  }

  async coordinate({ payload }: Message<string[]>, { messages }: HandlerContext) {
    const counts = await Promise.all(payload.map((text) => messages.request(Count, text, { to: 'Processing' })))
    const words = counts.reduce((sum, count) => sum + count, 0)
    await messages.request(Store, { name: 'words', words }, { to: 'Storage' })
    return words
  }
}

/** Workers of one name are one agent: a message goes to one of them. */
class Processor extends Worker {
  readonly #rendezvous: () => Promise<void>

  constructor(rendezvous: () => Promise<void>) {
    super('Processing')
    this.#rendezvous = rendezvous
    this.on(Count, this.count)
  }

  async count({ payload }: Message<string>) {
    await this.#rendezvous()
    return payload.split(' ').length
  }
}

class TotalsWorker extends Worker {
  constructor() {
    super('Storage')
    this.on(Store, async ({ payload }, { context }) => {
      await context.push(`totals.${payload.name}`, payload.words)
    })
  }
}

/** Resolves when so many wait: it shows here that three work at once. */
function createRendezvous(size: number): () => Promise<void> {
  const all = Promise.withResolvers<void>()
  let here = 0
  return () => {
    if (++here === size) all.resolve()
    return all.promise
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const rendezvous = createRendezvous(3)
  const layers = [new Coordinator(), ...Array.from({ length: 3 }, () => new Processor(rendezvous)), new TotalsWorker()]
  for (const worker of layers) await ada.start(worker)
  const words = await ada.agent('Client').messages.request(Job, ['a b c', 'd e', 'f'], { to: 'Coordination' })
  return { words, stored: await ada.context.get('totals.words') }
}

if (import.meta.main) console.log(await main())
