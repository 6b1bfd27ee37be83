/** The built-in health checks, and the gauges with the same values. */
import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { dirname } from 'node:path'
import type { ObservationConfig } from '../configuration/index.ts'
import { hasSystemTimers, type Json, milliseconds, type Platform } from '../core/index.ts'
import { type ChildState, defineMessage } from '../messaging/index.ts'
import type { CheckAnswer } from '../observability/index.ts'
import { Access } from '../security/index.ts'
import type { OpenedStorage } from '../storage/index.ts'
import { missingModelKeys, registeredAgents } from './services/model-keys.ts'
import type { Observation } from './services/observation.ts'
import type { CommunicationParts, ObservabilityParts, SecurityParts, TroupeParts, WorkParts } from './troupe-parts.ts'

/** The user of the probes. It belongs to no person, and its data expires. */
export const healthUser = 'troupe.health'
const agent = 'HealthMonitor'
const Probe = defineMessage('health.probe')

/** The highest number of mailboxes that are checked. */
const maxMailboxes = 100
const rateWindow = '5m'
const sizesCacheMs = 5_000

type Details = { readonly [name: string]: Json }
const when = (bad: boolean, message: string, details: Details): CheckAnswer => ({
  status: bad ? 'degraded' : 'healthy',
  ...(bad ? { message } : {}),
  details,
})

export function registerChecks(parts: TroupeParts, config: ObservationConfig): void {
  const { communication, observability, platform, runs, security, stores, work } = parts
  const { observation } = observability
  const { storage } = stores
  const { sharing } = runs
  const { health } = observation
  health.register('storage', () => {
    const { state, problem } = storage.state()
    return {
      status: state === 'open' ? 'healthy' : 'unhealthy',
      ...(problem === undefined ? {} : { message: problem }),
    }
  })
  health.register('transport', () => transport(storage), { critical: false, interval: '1s' })
  if (sharing) health.register('lease', async () => void (await sharing.lease.check()))
  health.register('mesh', () => timed(platform, observation, () => probeMesh(communication)))
  health.register('messages', ({ signal }) => timed(platform, observation, () => probeMessages(communication, signal)))
  health.register('models', ({ signal }) => probeModels(parts, config, signal), { critical: false, interval: '1m' })
  health.register('audit', () => probeAudit(security), { critical: false })
  // With another clock a simulation would depend on the load of the machine.
  if (hasSystemTimers(platform.clock)) registerHost(observability, storage)
  health.register('eventLoop', () => {
    const { worstMs } = observation.lag
    return when(
      worstMs > milliseconds(observation.bounds.lag, 'health.lag'),
      `timers came ${Math.round(worstMs)} ms late`,
      {
        worstMs,
      },
    )
  })
  health.register(
    'queues',
    async () => {
      const waiting = await mailboxes(work, communication, 'waiting')
      const longestQueue = Math.max(0, ...waiting.map(({ value }) => value))
      const dead = await mailboxes(work, communication, 'dead')
      const loads = {
        waiting: waiting.reduce((sum, { value }) => sum + value, 0),
        longestQueue,
        deadLetters: dead.reduce((sum, { value }) => sum + value, 0),
        workers: work.workers.size,
        messagesPerSecond: messagesPerSecond(observability),
      }
      return when(longestQueue > observation.bounds.queue, `${longestQueue} messages wait in one mailbox`, loads)
    },
    { critical: false },
  )
  health.register(
    'agents',
    () => {
      const stalled = observation.watchdog?.stalled() ?? []
      const down = workersDown(work)
      const [first] = stalled
      const problem = [
        ...(down[0] ? [`the worker ${down[0]} is down`] : []),
        ...(first ? [`${first.kind} ${first.id} of ${first.agent ?? 'an unknown agent'} makes no progress`] : []),
      ].join('; ')
      return when(problem !== '', problem, { stalled: stalled.length, down: down.length, workers: work.workers.size })
    },
    { critical: false },
  )
  registerGauges(parts)
}

function registerHost({ observation, metrics }: ObservabilityParts, storage: OpenedStorage): void {
  const { health } = observation
  health.register('memory', () => {
    const used = memoryUsed()
    return when(used > observation.bounds.memory, `${share(used)} of the memory is taken`, { used })
  })
  health.register(
    'disk',
    async () => {
      const used = await diskUsed(storage.location)
      return when(used > observation.bounds.disk, `${share(used)} of the disk is taken`, { used })
    },
    { critical: false },
  )
  metrics.gauge('memory.resident', () => process.memoryUsage.rss())
  metrics.gauge('memory.heap', () => process.memoryUsage().heapUsed)
  metrics.gauge('memory.used', memoryUsed)
  metrics.gauge('disk.used', () => diskUsed(storage.location))
}

function registerGauges({ agents, communication, observability, platform, stores, work }: TroupeParts): void {
  const { metrics } = observability
  const { storage } = stores
  const { clock } = platform
  let sizes: { readonly at: number; readonly read: ReturnType<typeof storage.sizes> } | undefined
  const read = () => {
    if (!sizes || clock.monotonic() - sizes.at > sizesCacheMs) sizes = { at: clock.monotonic(), read: storage.sizes() }
    return sizes.read
  }
  for (const statistic of ['database', 'writeAheadLog', 'free'] as const)
    metrics.gauge(`storage.${statistic}.bytes`, async () => (await read())[statistic])
  metrics.gauge('storage.rows', async () =>
    Object.entries((await read()).tables).map(([table, value]) => ({ labels: { table }, value })),
  )
  metrics.gauge('workers.running', () => work.workers.size)
  metrics.gauge('workers.down', () => workersDown(work).length)
  metrics.gauge('mailbox.waiting', () => byAgent(mailboxes(work, communication, 'waiting')))
  metrics.gauge('mailbox.dead', () => byAgent(mailboxes(work, communication, 'dead')))
  const levels = { closed: 0, 'half-open': 0.5, open: 1 }
  metrics.gauge('model.breaker', () =>
    [...(agents.services.external.models.breakers?.() ?? [])].map(([model, state]) => ({
      labels: { model },
      value: levels[state],
    })),
  )
}

/** Checks the notifications between processes; without them, processes read changes each second. */
function transport(storage: OpenedStorage): CheckAnswer {
  if (!storage.broadcast) return when(false, '', { kind: 'local' })
  const line = storage.broadcast.line()
  if (!line) return when(false, '', { kind: 'looking' })
  const { connected, forMs } = line
  const lost = `the connection that hears the other processes is lost for ${Math.round(forMs)} ms`
  return when(!connected, lost, { kind: 'listening', connected, forMs })
}

/** The log of a rolled-back database stays degraded until a person has examined it and opens the database again. */
function probeAudit({ audit }: SecurityParts): CheckAnswer {
  const { rolledBack } = audit
  if (!rolledBack) return when(false, '', {})
  const { size, signedSize } = rolledBack
  const message = `the database was rolled back: the audit log had ${size} records, and a checkpoint signed ${signedSize}`
  return when(true, message, { size, signedSize })
}

/** Returns supervised workers that are not running: between two starts, or after an escalation. */
function workersDown({ supervisions }: WorkParts): readonly string[] {
  const down = ({ name, status, children }: ChildState): readonly string[] =>
    children ? children.flatMap(down) : status === 'running' ? [] : [name]
  return [...supervisions.keys()].flatMap((supervision) => supervision.children().flatMap(down))
}

/** A late answer counts as degraded. */
async function timed(
  { clock }: Platform,
  observation: Observation,
  probe: () => Promise<boolean>,
): Promise<CheckAnswer> {
  const began = clock.monotonic()
  if (!(await probe())) return false
  const answeredMs = clock.monotonic() - began
  const late = answeredMs > milliseconds(observation.bounds.lag, 'health.lag')
  return when(late, `it took ${Math.round(answeredMs)} ms to come back`, {})
}

/** Writes, reads and deletes an entry. */
async function probeMesh({ mesh }: CommunicationParts): Promise<boolean> {
  const context = mesh.agent(healthUser, agent, new Access())
  const key = `health.${agent}`
  await context.push(key, 'ok', { audience: 'owner', ttl: '1m' })
  const found = await context.get(key)
  await context.delete(key)
  return found === 'ok'
}

/** Sends and receives a message. With several processes, each may receive the message of another one. */
async function probeMessages({ mailboxes: all }: CommunicationParts, signal: AbortSignal): Promise<boolean> {
  const messages = all.messages({ user: healthUser, agent, access: new Access() })
  const mailbox = all.mailbox(healthUser, agent)
  await messages.send(Probe, 'ok', { to: agent, ttl: '1m', signal })
  const [delivery] = await mailbox.receive({ types: [Probe], max: 1, wait: '5s', signal })
  await delivery?.ack()
  return delivery !== undefined
}

/** Checks models without a call that costs tokens: circuit breakers, and whether self-hosted servers answer. */
async function probeModels(
  {
    agents: { services },
    settings,
    protection: { egressClient, secrets },
  }: Pick<TroupeParts, 'agents' | 'settings' | 'protection'>,
  { fetch = (url, init) => egressClient.fetchTo(url)(url, init) }: ObservationConfig,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const { models } = services.external
  const open = [...(models.breakers?.() ?? [])].flatMap(([model, state]) => (state === 'open' ? [model] : []))
  if (open.length > 0) return when(true, `the circuit is open after repeated failures: ${open.join(', ')}`, { open })
  const missing = await missingModelKeys(models, registeredAgents(settings))
  if (missing.length > 0)
    return when(true, missing.map(({ error }) => error.message).join(' '), {
      missing: missing.map(({ model }) => model),
    })
  const asked: string[] = []
  for (const spec of models.defaultChain()) {
    if (typeof spec !== 'object' || !('url' in spec)) continue
    asked.push(models.nameOf(spec))
    const headers = spec.apiKey ? { authorization: `Bearer ${await secrets.reveal(spec.apiKey)}` } : {}
    const answer = await fetch(`${spec.url.replace(/\/$/, '')}/models`, { method: 'GET', headers, signal })
    if (answer.status >= 500) return when(true, `${models.nameOf(spec)} answers ${answer.status}`, { asked })
  }
  return when(false, '', { asked })
}

async function mailboxes(
  { workers }: WorkParts,
  { mailboxes: all }: CommunicationParts,
  statistic: 'waiting' | 'dead',
): Promise<readonly { readonly agent: string; readonly value: number }[]> {
  const names = [...workers].map(([{ detail }, user]) => ({ user, agent: detail.name }))
  // Workers of one name share the mailbox.
  const served = new Map(names.map((one) => [JSON.stringify([one.user, one.agent]), one]))
  return Promise.all(
    [...served.values()].slice(0, maxMailboxes).map(async ({ user, agent: name }) => ({
      agent: name,
      value: (await all.mailbox(user, name).counts())[statistic],
    })),
  )
}

/** Adds up the mailboxes of all users by agent: two values with one label would replace each other. */
async function byAgent(found: ReturnType<typeof mailboxes>) {
  const agents = Map.groupBy(await found, ({ agent: name }) => name)
  return [...agents].map(([name, all]) => ({
    labels: { agent: name },
    value: all.reduce((sum, { value }) => sum + value, 0),
  }))
}

/** Acknowledged here: over the last minutes, or since this troupe was opened. */
function messagesPerSecond({ metrics }: ObservabilityParts): number {
  const { count } = metrics.summary('message.acknowledged', { window: rateWindow })
  const spanMs = Math.min(metrics.uptimeMs, milliseconds(rateWindow, 'The window'))
  return spanMs > 0 ? (count * 1_000) / spanMs : 0
}

const share = (value: number) => `${Math.round(value * 100)} %`

/** The memory of this process as a share of the memory of the container or the machine. */
function memoryUsed(): number {
  const constrained = process.constrainedMemory()
  return process.memoryUsage.rss() / (constrained > 0 && constrained < totalmem() ? constrained : totalmem())
}

export async function diskUsed(location: string): Promise<number> {
  const folder = location.includes('/') && !location.includes('://') ? dirname(location) : '.'
  const { blocks, bavail } = await statfs(folder)
  return blocks === 0 ? 0 : 1 - bavail / blocks
}
