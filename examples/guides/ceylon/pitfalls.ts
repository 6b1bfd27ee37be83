/** Four pitfalls, and what stands against each: lost updates, leaks, overflow, errors that spread. */
import { type CapacityError, createTroupe, defineMessage, Worker } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.string(), { reply: z.string() })

export async function main() {
  // Leaks: queues have an end, and the troupe closes with its block, workers and all.
  await using troupe = await createTroupe({ storage: 'memory:', messaging: { capacity: { count: 2 } } })
  const ada = troupe.user('ada')
  const { context, messages } = ada.agent('Boss')

  // Races: no lock to forget; `update` runs again where another one came first.
  await context.push('counter', 0)
  await Promise.all(Array.from({ length: 20 }, () => context.update('counter', (n) => Number(n) + 1)))

  // Overflow: a full mailbox says so, and when to try again (or `wait`, or `drop-oldest`, as configured).
  const send = () => messages.send(Task, 'more', { to: 'Slow' })
  await send()
  await send()
  const full = (await send().catch((error: unknown) => error)) as CapacityError

  // Spreading errors: what a handler throws ends with its message, and whoever asked is told.
  const clerk = new Worker('Clerk', { retry: { attempts: 1 } })
  clerk.on(Task, ({ payload }) => {
    if (payload === 'the impossible') throw new Error('it cannot be done')
    return `did ${payload}`
  })
  await ada.start(clerk)
  const ask = (task: string) =>
    messages.request(Task, task, { to: 'Clerk' }).catch(({ message }: Error) => message as string)
  return {
    counter: await context.get('counter'),
    full: { code: full.code, retryable: full.retryable },
    answers: [await ask('the impossible'), await ask('the report')],
  }
}

if (import.meta.main) console.log(await main())
