/** Connects the modules of a troupe with concrete adapters, in order. If one fails to open, those before it are closed. */
import { hostname } from 'node:os'
import { agentsByName, cleanupTasksOf, compiledTeams, type TroupeConfig } from '../configuration/index.ts'
import type { FetchPort } from '../core/index.ts'
import type { Mailboxes } from '../messaging/index.ts'
import {
  createAgentAlertSink,
  createHousekeeping,
  type EgressClient,
  Gate,
  type MaintenanceParts,
  type ObservabilityParts,
  Observation,
  Restored,
  type SharedServices,
  type ToolParts,
  ToolSources,
  type TroupeParts,
  Updates,
  userTables,
  type WorkParts,
} from '../operations/index.ts'
import { createDailyUsage, readLimits } from '../runs/index.ts'
import { type AuditLog, BoundedEvaluator, createErasure, ToolPins } from '../security/index.ts'
import { UnreadResults } from '../tools/index.ts'
import { createAgents } from './services/create-agents.ts'
import { createCommunication } from './services/create-communication.ts'
import { createRuns } from './services/create-runs.ts'
import { type BaseParts, openBase } from './services/open-base.ts'
import { openJournal } from './services/open-journal.ts'
import { openModels } from './services/open-models.ts'
import { openSecurity } from './services/open-security.ts'
import { type CachesOfUsers, dropCaches, releaseUser, type WorkOfUsers } from './services/release-user.ts'
import { Startup } from './startup.ts'

/** @throws the errors of opening the storage */
export async function openParts(
  source: TroupeConfig,
  startup: Startup = new Startup(),
  sharedServices?: SharedServices,
): Promise<TroupeParts> {
  const base = await openBase(source, startup, sharedServices?.log)
  const { config, platform, stores } = base
  const { storage } = stores
  const processId = `${hostname()}/${process.pid}/${platform.ids.next()}`
  const { security, egressClient } = await openSecurity(base, processId, startup)
  const { journal, ownership, threadMessages, sandboxes } = await openJournal(base, processId, startup)
  const evaluator = new BoundedEvaluator({ clock: platform.clock })
  const communication = createCommunication(base, security, { steps: journal.steps, processId, evaluator })
  const holder = ownership.sharing && ownership.holder
  const { models, callable } = await openModels(base, { egressClient, evaluator, holder }, startup)
  const tools = createTools(base, security.audit, egressClient, evaluator)
  const shared = sharedServices ?? { ...callable, toolSources: tools.toolSources }
  const gate = new Gate()
  const dailyUsage = createDailyUsage({ storage, clock: platform.clock }, readLimits(config.limits).perDay)
  const admission = { gate, dailyUsage }
  const known = { agents: agentsByName(config.agents ?? []), teams: compiledTeams(config.teams ?? {}) }
  const agents = createAgents(
    base,
    { security, journal, ownership, communication, threadMessages, sandboxes, shared },
    admission,
  )
  const runs = createRuns(base, { security, journal, communication, agents, tools, ownership, admission }, known)
  const work = createWork(gate)
  const observability = createObservability(base, communication.mailboxes, egressClient)
  const caches = { communication, agents, stores, observability }
  const { secrets, redactor } = base.protection
  const { encryption } = base.encryption
  return {
    platform,
    settings: {
      storage: config.storage,
      production: config.profile === 'production',
      shutdown: config.shutdown ?? {},
      ...known,
      config: source,
    },
    stores,
    journal,
    communication,
    work,
    agents,
    models,
    tools,
    runs,
    security,
    protection: { secrets, redactor, encryption, egressClient },
    observability,
    maintenance: createMaintenance(base, { runs, journal, work }, caches, security.audit),
  }
}

function createTools(
  { config, platform: { clock, random, events }, stores, protection: { secrets }, observability: { log } }: BaseParts,
  audit: AuditLog,
  { fetchFor }: EgressClient,
  evaluator: BoundedEvaluator,
): ToolParts {
  const production = config.profile === 'production'
  const toolPins = new ToolPins({ storage: stores.storage, audit, production })
  const toolSources = new ToolSources({ clock, random, events, secrets, toolPins, evaluator, log, fetchFor })
  return { toolSources, toolPins, evaluator, unread: new UnreadResults({ clock, events }) }
}

function createObservability(
  { config, platform, stores, protection: { redactor }, observability }: BaseParts,
  mailboxes: Mailboxes,
  { fetchTo }: EgressClient,
): ObservabilityParts {
  const { storage } = stores
  const { log, metrics, metricStore } = observability
  const fetch: FetchPort = (url, init) => fetchTo(url)(url, init)
  const ports = { platform, storage, log, metrics, fetch, redact: redactor.redact }
  return {
    log,
    metrics,
    metricStore,
    observation: new Observation(config, ports, createAgentAlertSink(mailboxes)),
    updates: new Updates({ clock: platform.clock, events: platform.events, storage }),
  }
}

const createWork = (gate: Gate): WorkParts => ({
  gate,
  workers: new Map(),
  starting: new Set(),
  supervisions: new Map(),
  served: new Set(),
  cleanups: new Set(),
})

function createMaintenance(
  { platform: { clock, events }, stores, observability: { log, metricStore }, encryption }: BaseParts,
  work: WorkOfUsers,
  caches: CachesOfUsers,
  audit: AuditLog,
): MaintenanceParts {
  const { storage, bare, unusedBlobs } = stores
  const cleanupTasks = cleanupTasksOf({
    journals: work.journal.journals,
    endedRuns: work.runs.endedRuns,
    bare,
    unusedBlobs,
    metricStore,
  })
  const erasure = createErasure(
    {
      storage: bare,
      platform: { clock, events },
      encryption,
      recorded: (user) => audit.erasureRecord(user),
      users: {
        releaseUser: (user) => releaseUser(work, caches, user),
        cachedUsers: () => caches.communication.mesh.users(),
        dropCaches: (user) => dropCaches(caches, user),
      },
      failed: (message, error) => log.error(message, { error: error as Error }),
    },
    userTables,
  )
  return {
    restored: new Restored({ storage, clock, events, gate: work.work.gate, log, audit }),
    housekeeping: createHousekeeping({ clock, log, cleanupTasks }),
    erasure,
  }
}
