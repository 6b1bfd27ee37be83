/** A worker that says how the others are: who is connected, how many messages went through, what was put aside. */
import { createTroupe, defineMessage, type Troupe, Worker } from 'troupe'
import { z } from 'zod'

const Note = defineMessage('note', z.string(), { reply: z.null() })
const Health = z.object({
  status: z.enum(['healthy', 'degraded']),
  storage: z.string(),
  connections: z.int(),
  handled: z.int(),
  messagesPerSecond: z.number(),
})
const CheckHealth = defineMessage('health.check', z.null(), { reply: Health })

class HealthCheck extends Worker {
  readonly #connections = new Set<string>()

  constructor(troupe: Troupe) {
    super('HealthCheck')
    this.onConnect('*', ({ name }) => this.#connections.add(name))
    this.onDisconnect('*', ({ name }) => this.#connections.delete(name))
    const { metrics } = troupe
    const began = performance.now()
    this.on(CheckHealth, () => {
      const handled = metrics.summary('message.acknowledged').count
      const dead = metrics.summary('message.dead-lettered').count
      const { state } = troupe.storageState()
      return {
        status: state === 'open' && dead === 0 ? 'healthy' : 'degraded',
        storage: state,
        connections: this.#connections.size,
        handled,
        messagesPerSecond: (handled * 1_000) / (performance.now() - began),
      }
    })
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  await ada.start(new HealthCheck(troupe))
  const { messages } = ada.agent('Operator')
  const check = () => messages.request(CheckHealth, null, { to: 'HealthCheck' })
  const workers = ['Ann', 'Bob'].map((name) => new Worker(name, { retry: { attempts: 1 } }))
  const [ann, bob] = workers as [Worker, Worker]
  ann.on(Note, () => null)
  await ada.start(ann)
  const left = await ada.start(bob)
  await messages.request(Note, 'hello', { to: 'Ann' })
  const well = await check()
  await messages.request(Note, 'hello', { to: 'Bob' }).catch(() => {})
  await left.stop()
  return { well, ill: await check() }
}

if (import.meta.main) console.log(await main())
