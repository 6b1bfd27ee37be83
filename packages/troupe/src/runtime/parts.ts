/** Wires a troupe: the one place where rooms meet concrete adapters. Opened in order; what fails half-way lets go again. */
import { hostname } from 'node:os'
import {
  type Agent,
  agentsMigrations,
  createConversations,
  createSessions,
  createStepContext,
  type Services,
} from '../agents/index.ts'
import { type ContextHands, contextMigrations, createContextMesh, type Mesh, stagedContext } from '../context/index.ts'
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
  type Journals,
  type Recorder,
  type Steps,
  type Timers,
} from '../durable/index.ts'
import {
  createMailboxes,
  createPresence,
  defineMessage,
  type Mailboxes,
  messagingMigrations,
  type Presence,
  stagedMessages,
} from '../messaging/index.ts'
import { createModels } from '../models/index.ts'
import { createPinoLog, type Log, MetricsCollector } from '../observability/index.ts'
import {
  createOrchestra,
  createRunLeases,
  type OrchestraHost,
  orchestrationMigrations,
  type RunLeases,
} from '../orchestration/index.ts'
import { Access, createIncidents, type Incidents, securityMigrations } from '../security/index.ts'
import { type Blobs, createBlobs, type OpenedStorage, openStorage } from '../storage/index.ts'
import { agentsByName, compiledTopologies, type TroupeConfig } from './config.ts'
import { Housekeeping } from './housekeeping.ts'

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
  readonly housekeeping: Housekeeping
  readonly orchestra: OrchestraHost
  /** Where several processes share the storage. */
  readonly leases: RunLeases | undefined
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
    ...(typeof config.storage === 'string' ? { url: config.storage } : { url: 'postgres:', postgres: config.storage }),
    migrations,
    clock,
    random,
    // Who brings a clock means it, also where the server has one of its own.
    time: config.clock ? 'clock' : 'engine',
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
  const events = createEvents((error, event) =>
    log.warn('an observer failed', { type: event.type, error: error as Error }),
  )
  const metrics = new MetricsCollector(clock)
  metrics.listen(events)
  for (const figure of ['database', 'writeAheadLog', 'free'] as const)
    metrics.gauge(`storage.${figure}.bytes`, async () => (await storage.sizes())[figure])
  storage.onState(({ state, problem }) =>
    events.emit({ type: 'storage.changed', at: clock.now(), state, ...(problem === undefined ? {} : { problem }) }),
  )
  const shared = { ...base, ids, events, metrics, blobs: await createBlobs(storage) }
  const node = `${hostname()}/${process.pid}/${ids.next()}`
  const inbox = createInbox(shared)
  const timers = createTimers(shared)
  const journals = createJournals({ ...shared, owner: node })
  const steps = createSteps({ clock, random, storage, journals, inbox, timers })
  const durable = { ...shared, inbox, timers, journals, steps }
  const sharing = assembleSharing(config, durable, node)
  const housekeeping = new Housekeeping(durable)
  return { ...durable, ...sharing, housekeeping, ...assembleTeams(config, { ...durable, ...sharing, node }) }
}

type Durable = Base &
  Pick<TroupeParts, 'ids' | 'events' | 'inbox' | 'timers' | 'steps'> & {
    readonly blobs: Blobs
    readonly journals: Journals
  }
type Sharing = Pick<TroupeParts, 'incidents' | 'mesh' | 'presence' | 'mailboxes' | 'hands'>

/** What agents share: the context and their mailboxes. */
function assembleSharing(config: TroupeConfig, durable: Durable, node: string): Sharing {
  const incidents = createIncidents(durable)
  const mesh = createContextMesh({ ...durable, incidents, ...contextOptions(config) })
  const heartbeatMs = milliseconds(config.presence?.heartbeat ?? '5s', 'presence.heartbeat')
  const presence = createPresence({ ...durable, node, heartbeatMs })
  const mailboxes = createMailboxes({
    ...durable,
    incidents,
    ...(config.messaging ? { config: config.messaging } : {}),
    subscribersOf: (user, topic) => mesh.subscribersOf(user, topic),
    presentOf: (user) => presence.namesOf(user),
    answerStep: durable.steps.answer,
  })
  const hands: Sharing['hands'] = (recorder, access, over) => ({
    context: stagedContext({ mesh, recorder, access, ...(over ? { over } : {}) }),
    messages: stagedMessages({ recorder, mailboxes, access }),
  })
  return { incidents, mesh, presence, mailboxes, hands }
}

/** Agents at work: alone in sessions, together in runs. */
function assembleTeams(
  config: TroupeConfig,
  parts: Durable & Sharing & { readonly node: string },
): Pick<TroupeParts, 'services' | 'sessions' | 'orchestra' | 'leases'> {
  const { clock, random, events, storage, steps, mailboxes, hands } = parts
  const models = createModels({ ...parts, env: process.env, ...(config.prices ? { prices: config.prices } : {}) })
  const services: Services = { clock, events, models, conversations: createConversations(parts), timeouts: {} }
  const sessions = createSessions({
    steps,
    storage,
    services,
    contextOf: (recorder, { agent, name, ask, over }) =>
      createStepContext({
        agent: name,
        recorder,
        clock,
        random,
        hands: { ...hands(recorder, accessOf(agent), over), ask },
      }),
    send: (user, from, to, content) =>
      mailboxes.hands({ user, agent: from, access: new Access() }).messages.send(Text, content, { to }),
  })
  const leaseMs = milliseconds(config.lease ?? '10s', 'lease')
  const leases = storage.dialect.name === 'postgres' ? createRunLeases({ ...parts, leaseMs }) : undefined
  const orchestra = createOrchestra(
    {
      ...parts,
      ...leases?.guard(parts),
      services,
      hands: (recorder, agent, over) => hands(recorder, accessOf(agent), over),
    },
    { agents: agentsByName(config.agents ?? []), topologies: compiledTopologies(config.topologies ?? {}) },
  )
  return { services, sessions, orchestra, leases }
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
const accessOf = (agent: Agent): Access => new Access(agent.access)
