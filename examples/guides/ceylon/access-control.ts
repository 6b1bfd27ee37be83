/** Whose messages an agent accepts. The sender is bound where it sends and cannot be made up; a refusal is an incident. */
import { createTroupe, defineMessage, type Message, type Messages, Worker } from 'troupe'

const Order = defineMessage('order')
const Question = defineMessage('question')

class SecureWorker extends Worker {
  readonly accepted: string[] = []
  readonly #trusted = new Set(['Boss', 'Clerk'])

  constructor() {
    super('SecureWorker')
  }

  override authorizePeer({ name }: Messages.AgentDetail) {
    return this.#trusted.has(name)
  }
  /** Takes every message that no handler takes. */
  override onMessage({ from, type }: Message) {
    this.accepted.push(`${type} of ${from}`)
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const incidents: unknown[] = []
  troupe.on('incident.recorded', ({ agent, action }) => incidents.push({ agent, action }))
  const worker = new SecureWorker()
  await ada.start(worker)
  await ada.agent('Stranger').messages.send(Order, 'all your tea', { to: 'SecureWorker' })
  await ada.agent('Boss').messages.send(Order, 'a teapot', { to: 'SecureWorker' })
  // Answered when everything before it is.
  await ada.agent('Clerk').messages.request(Question, 'ready?', { to: 'SecureWorker' })
  await troupe.close()
  return { accepted: worker.accepted.sort(), incidents }
}

if (import.meta.main) console.log(await main())
