/** A worker as its users write it, for `decorators.test.ts`, which compiles it: Node runs no decorators. */
import { createTroupe, defineMessage, type Message, type Messages, Worker } from 'troupe'
import { on, onBatch, onConnect, onDisconnect } from 'troupe/compat/decorators'
import { z } from 'zod'

const Reserve = defineMessage('reserve', z.object({ n: z.int() }), { reply: z.object({ left: z.int() }) })
const Log = defineMessage<string>('log')

class Stock extends Worker {
  left = 5
  readonly seen: string[] = []
  constructor() {
    super('Stock')
  }
  @on(Reserve)
  reserve({ payload }: Message<{ n: number }>) {
    this.left -= payload.n
    return { left: this.left }
  }
  @onBatch(Log, { size: 2, wait: '1s' })
  log(messages: readonly Message<string>[]) {
    this.seen.push(messages.map(({ payload }) => payload).join('+'))
  }
  @onConnect('*:buyer')
  came({ name }: Messages.AgentDetail) {
    this.seen.push(`came ${name}`)
  }
  @onDisconnect('*')
  went({ name }: Messages.AgentDetail) {
    this.seen.push(`went ${name}`)
  }
}
class Cautious extends Stock {
  override reserve(message: Message<{ n: number }>) {
    return message.payload.n > 1 ? { left: -1 } : super.reserve(message)
  }
}

const troupe = await createTroupe({ storage: 'memory:' })
const ada = troupe.user('ada')
const stock = new Cautious()
await ada.start(stock)
const buyer = await ada.start(new Worker('Bob', { role: 'buyer' }))
await buyer.stop()
const { messages } = ada.agent('A')
for (const line of ['a', 'b']) await messages.send(Log, line, { to: 'Stock' })
const replies = [
  await messages.request(Reserve, { n: 1 }, { to: 'Stock' }),
  await messages.request(Reserve, { n: 2 }, { to: 'Stock' }),
]
await troupe.close()
console.log(JSON.stringify({ replies, seen: stock.seen.sort() }))
