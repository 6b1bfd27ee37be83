/** Health: the library counts workers and messages; an operator asks for them by a message, or at `GET /health`. */
import { createTroupe, defineMessage, Worker } from 'troupe'
import { z } from 'zod'

const Note = defineMessage('note', z.string(), { reply: z.null() })
const CheckHealth = defineMessage('health.check', z.null(), { reply: z.json() })

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const monitor = new Worker('HealthCheck')
  monitor.on(CheckHealth, async () => {
    const { status, checks } = await troupe.health()
    return { status, queues: checks.find(({ name }) => name === 'queues')?.details ?? null }
  })
  await ada.start(monitor)
  const ann = new Worker('Ann')
  ann.on(Note, () => null)
  await ada.start(ann)
  const { messages } = ada.agent('Operator')
  await messages.request(Note, 'hello', { to: 'Ann' })
  return await messages.request(CheckHealth, null, { to: 'HealthCheck' })
}

if (import.meta.main) console.log(await main())
