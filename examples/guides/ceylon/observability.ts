/** What happens is told as events without payload, counted and timed; an agent's own events and figures stand beside them. */
import { createTroupe, defineMessage, Worker } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.number())

export async function main() {
  const logged: { readonly [field: string]: unknown }[] = []
  const destination = { write: (line: string) => void logged.push(JSON.parse(line)) }
  await using troupe = await createTroupe({ storage: 'memory:', log: { level: 'info', format: 'json', destination } })
  const { metrics } = troupe
  const ada = troupe.user('ada')
  const lines: unknown[] = []
  const over = Promise.withResolvers<void>()
  for (const type of ['message.acknowledged', 'message.dead-lettered'] as const)
    troupe.on(type, ({ userId, to, messageType }) => lines.push([type, userId, to, messageType]))
  troupe.on('worker.failed', ({ type, userId, agent, messageType }) => lines.push([type, userId, agent, messageType]))
  troupe.on('message.dead-lettered', () => over.resolve())

  const agent = new Worker('ObservableAgent', { retry: { attempts: 1 } })
  agent.on(Task, async ({ payload }) => {
    await metrics.trackExecution('processing_time', async () => {
      if (payload < 0) throw new Error('it is negative')
    })
    // Whose handler says it is known without being said.
    troupe.log.info('checked', { payload })
  })
  await ada.start(agent)
  for (const n of [1, 2, 3, -1]) await ada.agent('Boss').messages.send(Task, n, { to: 'ObservableAgent' })
  await over.promise

  metrics.gauge('waiting', async () => (await ada.agent('ObservableAgent').mailbox.counts()).waiting)
  const { count, failures, p95 } = metrics.summary('processing_time')
  return {
    last: lines.slice(-2),
    logged: logged.map(({ msg, agent, userId, payload }) => [msg, agent, userId, payload]),
    processed: metrics.summary('message.acknowledged').count,
    errorRate: failures / count,
    timed: p95 >= 0,
    waiting: (await metrics.gauges()).waiting,
  }
}

if (import.meta.main) console.log(await main())
