/** To all, to one, to whoever listens to a topic. Only the recipients get it: a direct message is not told to others. */
import { createTroupe, defineMessage, Worker } from 'troupe'
import { z } from 'zod'

const Update = defineMessage('update', z.string())

class CommunicationPatterns extends Worker {
  constructor() {
    super('Speaker')
  }
  broadcastUpdate(update: string) {
    return this.broadcast(Update, update, { to: ['Ann', 'Bob', 'Cyd'] })
  }
  directMessage(to: string, update: string) {
    return this.send(Update, update, { to })
  }
  topicMessage(topic: string, update: string) {
    return this.publish(Update, update, { topic })
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const speaker = new CommunicationPatterns()
  await ada.start(speaker)
  const listeners = ['Ann', 'Bob', 'Cyd'].map((name) => ada.agent(name))
  for (const { context } of listeners.slice(1)) await context.subscribe(['prices'])

  await speaker.broadcastUpdate('we open at nine')
  await speaker.directMessage('Ann', 'you have the key')
  await speaker.topicMessage('prices', 'tea is cheaper')
  const received: Record<string, unknown[]> = {}
  for (const { name, mailbox } of listeners)
    received[name] = (await mailbox.messages()).items.map(({ payload }) => payload)
  return received
}

if (import.meta.main) console.log(await main())
