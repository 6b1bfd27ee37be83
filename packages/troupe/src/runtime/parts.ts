/** Wires a troupe: the one place where rooms meet concrete adapters. Opened in order; what fails half-way lets go again. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type Agent, agentsMigrations, createConversations, createSessions, createStepContext, type Services } from '../agents/index.ts'
import { contextMigrations, createContextMesh, type ContextHands, type Mesh, stagedContext } from '../context/index.ts'
import {
  type Clock,
  createEvents,
  createIds,
  type Events,
  type Ids,
  milliseconds,
  type Random,
  systemClock,
  systemRandom,
} from '../core/index.ts'
import {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  durableMigrations,
  type Inbox,
  type Recorder,
  type Steps,
  type Timers,
} from '../durable/index.ts'
import { createMailboxes, createPresence, defineMessage, type Mailboxes, messagingMigrations, type Presence, stagedMessages } from '../messaging/index.ts'
import { createModels } from '../models/index.ts'
import { createPinoLog, type Log, MetricsCollector } from '../observability/index.ts'
import { createOrchestra, type OrchestraHost, orchestrationMigrations } from '../orchestration/index.ts'
import { Access, createIncidents, type Incidents, securityMigrations } from '../security/index.ts'
import { createBlobs, type OpenedStorage, openStorage } from '../storage/index.ts'
import { agentsByName, compiledTopologies, type TroupeConfig } from './config.ts'

export interface TroupeParts {
  readonly storage: OpenedStorage
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly log: Log
  readonly events: Events
  readonly metrics: MetricsCollector
  readonly incidents: Incidents
  readonly mesh: Mesh
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly services: Services
  readonly inbox: Inbox
  readonly steps: Steps
  readonly timers: Timers
  readonly orchestra: OrchestraHost
  readonly sessions: ReturnType<typeof createSessions>
  readonly hands: (recorder: Recorder, access: Access, over?: ContextHands) => StagedHands
}

export interface StagedHands {
  readonly context: ContextHands
  readonly messages: ReturnType<typeof stagedMessages>
}

const migrations = [
  ...durableMigrations,
  ...securityMigrations,
  ...contextMigrations,
  ...messagingMigrations,
  ...agentsMigrations,
  ...orchestrationMigrations,
]

/** What agents tell each other in plain text. */
const Text = defineMessage('text')

/** @throws what opening the storage throws */
export async function openParts(config: TroupeConfig): Promise<TroupeParts> {
  const clock = config.clock ?? systemClock
  const random = config.random ?? systemRandom
  const log = createPinoLog(config.log ?? 'warn')
  const storage = await openStorage({
    url: config.storage,
    migrations,
    clock,
    random,
    ...(config.retention ? { retention: config.retention } : {}),
    ...(config.faults ? { faults: config.faults } : {}),
  })
  try {
    return await assemble(config, { clock, random, log, storage })
  } catch (error) {
    await storage.close()
    throw error
  }
}

type Base = Pick<TroupeParts, 'clock' | 'random' | 'log' | 'storage'>

async function assemble(config: TroupeConfig, base: Base): Promise<TroupeParts> {
  const { clock, random, log, storage } = base
  const ids = createIds(clock, random)
  const events = createEvents((error, event) => log.warn('an observer failed', { type: event.type, error: error as Error }))
  const metrics = new MetricsCollector(clock)
  metrics.listen(events)
  const blobs = await createBlobs(storage)
  const shared = { storage, clock, random, ids, events, blobs }
  const node = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`
  const incidents = createIncidents(shared)
  const journals = createJournals({ ...shared, owner: node })
  const inbox = createInbox(shared)
  const timers = createTimers(shared)
  const steps = createSteps({ ...shared, journals, inbox, timers })
  const mesh = createContextMesh({ ...shared, incidents, ...contextOptions(config) })
  const presence = createPresence({ ...shared, node, heartbeatMs: milliseconds(config.presence?.heartbeat ?? '5s', 'presence.heartbeat') })
  const mailboxes = createMailboxes({
    ...shared,
    incidents,
    ...(config.messaging ? { config: config.messaging } : {}),
    subscribersOf: (user, topic) => mesh.subscribersOf(user, topic),
    presentOf: (user) => presence.namesOf(user),
    answerStep: steps.answer,
  })
  const models = createModels({ ...shared, env: process.env, ...(config.prices ? { prices: config.prices } : {}) })
  const services: Services = { clock, events, models, conversations: createConversations(shared), timeouts: {} }
  const hands: TroupeParts['hands'] = (recorder, access, over) => ({
    context: stagedContext({ mesh, recorder, access, ...(over ? { over } : {}) }),
    messages: stagedMessages({ recorder, mailboxes, access }),
  })
  const sessions = createSessions({
    steps,
    storage,
    services,
    contextOf: (recorder, { agent, name, ask, over }) =>
      createStepContext({ agent: name, recorder, clock, random, hands: { ...hands(recorder, accessOf(agent), over), ask } }),
    send: (user, from, to, content) => mailboxes.hands({ user, agent: from, access: new Access() }).messages.send(Text, content, { to }),
  })
  const orchestra = createOrchestra(
    {
      ...shared,
      log,
      journals,
      inbox,
      timers,
      steps,
      services,
      hands: (recorder, agent: Agent, over) => hands(recorder, accessOf(agent), over),
    },
    { agents: agentsByName(config.agents ?? []), topologies: compiledTopologies(config.topologies ?? {}) },
  )
  return { ...base, ids, events, metrics, incidents, mesh, mailboxes, presence, services, inbox, steps, timers, sessions, orchestra, hands }
}

function contextOptions({ context = {} }: TroupeConfig) {
  const { limits, lifecycles, cleanup } = context
  return {
    ...(limits ? { limits } : {}),
    ...(lifecycles ? { lifecycles } : {}),
    ...(cleanup ? { cleanup: { every: cleanup } } : {}),
  }
}

/** What an agent may do in its steps: its own definition decides. */
export const accessOf = (agent: Agent): Access => new Access(agent.access)
