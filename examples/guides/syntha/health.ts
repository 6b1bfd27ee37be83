/** Is it healthy? A write and a message that come back, the figures, and an alert to agents where a threshold is passed. */
import { createTroupe, defineMessage, type Troupe } from 'troupe'
import { z } from 'zod'

const Probe = defineMessage('health.probe')
const Alert = defineMessage('alert', z.object({ metric: z.string(), value: z.number(), threshold: z.number() }))
const thresholds = { responseMs: 1_000, errorRate: 0.05, waitingMessages: 1_000 }

/** @returns what a health page needs; it never throws */
export async function checkHealth(troupe: Troupe, userId: string) {
  const { context } = troupe.user(userId)
  const { messages, mailbox } = troupe.user(userId).agent('HealthMonitor')
  const began = performance.now()
  try {
    await context.push('health.probe', 'ok', { ttl: '1m', audience: 'owner' })
    await messages.send(Probe, 'ok', { to: 'HealthMonitor', ttl: '1m' })
    const [back] = await mailbox.receive({ types: [Probe] })
    await back?.ack()
    const answered = back !== undefined && (await context.get('health.probe')) === 'ok'
    const responseMs = performance.now() - began
    await context.delete('health.probe')
    const status = !answered ? 'unhealthy' : responseMs < thresholds.responseMs ? 'ok' : 'slow'
    return { status, responseMs, stats: await context.stats(), storage: troupe.storageState().state }
  } catch (error) {
    return { status: 'unhealthy', error: (error as Error).message, responseMs: performance.now() - began }
  }
}

/** Tells whoever looks after the system; a full mailbox of one stops no other. */
export async function alertAbove(troupe: Troupe, userId: string, metric: keyof typeof thresholds, value: number) {
  const threshold = thresholds[metric]
  if (value <= threshold) return []
  const { messages } = troupe.user(userId).agent('HealthMonitor')
  return messages.broadcast(
    Alert,
    { metric, value, threshold },
    { to: ['SystemAdmin', 'AlertManager'], priority: 'urgent' },
  )
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const healthy = await checkHealth(troupe, 'ada')
  const calls = troupe.metrics
  await ada.agent('Clerk').tools.call('get_context', { limit: 5 })
  const { code } = await ada.agent('Clerk').tools.call('get_context', { key: 'none' })
  const { count, failures } = calls.summary('tool.called')
  const outcomes = await alertAbove(troupe, 'ada', 'errorRate', failures / count)
  const [alert] = await ada.agent('SystemAdmin').mailbox.receive()
  await alert?.ack()
  await troupe.close()
  const closed = await checkHealth(troupe, 'ada')
  return {
    healthy: healthy.status,
    failed: code,
    alerted: outcomes.map(({ to }) => to),
    alert: alert?.message.payload,
    closed: closed.status,
  }
}

if (import.meta.main) console.log(await main())
