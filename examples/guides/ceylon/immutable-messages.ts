/** A message is checked when it is sent, frozen when it is received, and has its id, time and metadata by itself. */
import { createTroupe, defineMessage } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.object({ title: z.string().min(1), tags: z.array(z.string()) }))

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const { messages } = ada.agent('Boss')
  const sent = await messages.send(Task, { title: 'report', tags: ['q3'] }, { to: 'Clerk', metadata: { trace: 17 } })
  const rejected = await messages.send(Task, { title: '', tags: [] }, { to: 'Clerk' }).catch(({ code }) => code)

  const [delivery] = await ada.agent('Clerk').mailbox.receive()
  const task = delivery?.message.payload as { readonly title: string; readonly tags: string[] }
  let frozen = false
  try {
    task.tags.push('late')
  } catch {
    frozen = true
  }
  // A change is a new value.
  const changed = { ...task, tags: [...task.tags, 'late'] }
  await delivery?.ack()
  return {
    rejected,
    frozen,
    task,
    changed,
    same: delivery?.message.id === sent.id && delivery.message.timestamp === sent.timestamp,
    metadata: delivery?.message.metadata,
  }
}

if (import.meta.main) console.log(await main())
