/** Messages have a type with a schema, and a priority with a name; several items are worked on at once. */
import { createTroupe, defineMessage } from 'troupe'
import { z } from 'zod'

const Note = defineMessage('note', z.object({ type: z.string(), content: z.string() }))

export const processBatch = <In, Out>(items: readonly In[], processItem: (item: In) => Promise<Out>): Promise<Out[]> =>
  Promise.all(items.map(processItem))

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  const research = ada.agent('Researcher')
  const analysis = ada.agent('Analyzer')
  const message = await research.messages.send(
    Note,
    { type: 'data', content: 'test data' },
    { to: 'Analyzer', priority: 'high' },
  )
  const wrong = await research.messages
    .send(Note, { type: 'data' } as never, { to: 'Analyzer' })
    .catch((error: Error) => error.name)
  const [delivery] = await analysis.mailbox.receive()
  await delivery?.ack()
  return {
    receiver: message.to,
    priority: message.priority,
    received: delivery?.message.payload,
    wrong,
    batch: await processBatch([1, 2, 3], async (item) => item * 2),
  }
}

if (import.meta.main) console.log(await main())
