/** What happens, as it happens: every call an event with its duration, none with what it was about. */
import { createTroupe, type TroupeEvent } from 'troupe'

export async function main() {
  // `log` is what goes to standard error as JSON lines, secrets taken out.
  await using troupe = await createTroupe({ storage: 'memory:', log: 'warn' })
  const performance: TroupeEvent<'tool.called'>[] = []
  const security: TroupeEvent<'tool.called' | 'incident.recorded'>[] = []
  troupe.on('tool.called', (event) => {
    performance.push(event)
    if (event.security === true) security.push(event)
  })
  troupe.on('incident.recorded', (event) => security.push(event))

  const sales = troupe.user('ada').agent('Sales')
  await sales.tools.call('get_context', { limit: 5 })
  await sales.tools.call('push_context', { key: 'deal', value: 'closed', topics: ['sales'] })
  const rejected = await sales.tools.call('delete_topic', { topic: 'sales', confirm: true })
  return {
    rejected: rejected.code,
    calls: performance.map(({ tool, agent, success }) => [agent, tool, success]),
    timed: performance.every(({ durationMs }) => typeof durationMs === 'number'),
    security: security.map((event) => [event.type, event.type === 'tool.called' ? event.tool : event.action]),
    size: await troupe.user('ada').context.size(),
    payload: JSON.stringify([performance, security]).includes('closed'),
  }
}

if (import.meta.main) console.log(await main())
