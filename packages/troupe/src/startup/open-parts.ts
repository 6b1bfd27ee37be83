/** Connects the modules of a troupe with concrete adapters, in order. If one fails to open, those before it are closed. */
import { hostname } from 'node:os'
import {
  cleanupTasksOf,
  contextOptions,
  guardedStorage,
  openSecrets,
  type RevealedConfig,
  revealConfig,
  storageRetentionOf,
  type TroupeConfig,
} from '../configuration/index.ts'
import { createContextMesh } from '../context/index.ts'
import {
  createEvents,
  createIds,
  createRedactor,
  type Events,
  type FetchPort,
  milliseconds,
  systemClock,
  systemRandom,
} from '../core/index.ts'
import { Requests } from '../journal/index.ts'
import { createMailboxes, createPresence } from '../messaging/index.ts'
import {
  checkLogConfig,
  createMetricStore,
  createPinoLog,
  failureFields,
  MetricsCollector,
  runInOpenTelemetryContext,
  timeStorage,
} from '../observability/index.ts'
import type { SharedServices, TroupeParts } from '../operations/index.ts'
import {
  createAgentAlertSink,
  Gate,
  Housekeeping,
  migrations,
  Observation,
  Restored,
  stagedMetrics,
  ToolSources,
  Updates,
  userTables,
} from '../operations/index.ts'
import { Cache } from '../resilience/index.ts'
import {
  ApiKeys,
  BoundedEvaluator,
  Callers,
  createErasure,
  createIncidents,
  createTaintGuard,
  openEncryption,
  readTaintPolicy,
  ToolPins,
} from '../security/index.ts'
import { createBlobs, openStorage } from '../storage/index.ts'
import { assembleTeams } from './services/assemble-teams.ts'
import { type BaseParts, type CommonParts, type DurableParts, openDurableParts } from './services/open-durable-parts.ts'
import { openModels } from './services/open-models.ts'
import { releaseUser } from './services/release-user.ts'
import { warnInDevelopment } from './services/warn-in-development.ts'
import { Startup } from './startup.ts'

/** @throws the errors of opening the storage */
export async function openParts(
  source: TroupeConfig,
  startup: Startup = new Startup(),
  sharedServices?: SharedServices,
): Promise<TroupeParts> {
  const clock = source.clock ?? systemClock
  const random = source.random ?? systemRandom
  const redactor = createRedactor()
  const around: { events?: Events } = {}
  const log =
    sharedServices?.log ??
    (await createPinoLog({
      ...checkLogConfig(source.log ?? {}),
      ...(source.debug ? { level: 'debug' as const } : {}),
      terminal: process.stderr.isTTY === true,
      redactText: redactor.redact,
      eventContext: () => around.events?.eventContext(),
    }))
  const secrets = openSecrets(source.secrets, { clock, redactor, variables: process.env })
  const config = await startup.stage('secrets', () => revealConfig(source, secrets, redactor))
  const options = {
    ...(typeof config.storage === 'string' ? { url: config.storage } : { url: 'postgres:', postgres: config.storage }),
    migrations,
    clock,
    random,
    // A clock that the caller passes takes precedence over the clock of the database server.
    time: config.clock ? 'clock' : 'engine',
    production: config.profile === 'production',
    ...(config.retention ? { retention: storageRetentionOf(config.retention) } : {}),
    ...(config.faults ? { faults: config.faults } : {}),
  } as const
  const storage = await startup.stage(
    'storage',
    () => openStorage(options),
    (opened) => opened.close(),
  )
  const opened = { clock, random, gate: new Gate(), cleanups: [], log, redactor, secrets, storage }
  const base = await startup.stage(
    'encryption',
    () => observed(opened, config),
    ({ encryption }) => encryption.close(),
  )
  around.events = base.events
  return assemble(config, base, { source, startup, sharedServices })
}

type Opened = Pick<TroupeParts, 'clock' | 'random' | 'gate' | 'cleanups' | 'log' | 'redactor' | 'secrets' | 'storage'>
/** Opens the storage with its events, and with encryption on top of it. */
async function observed(opened: Opened, { encryption: config, policies = {} }: RevealedConfig): Promise<BaseParts> {
  const { clock, random, log } = opened
  const ids = createIds(clock, random)
  const events = createEvents(
    (error, event) => log.error('an observer failed', failureFields({ event: event.type, ...event }, error)),
    { processId: `${hostname()}/${process.pid}/${ids.next()}`, runInContext: runInOpenTelemetryContext },
  )
  const metrics = new MetricsCollector(clock)
  metrics.listen(events)
  const bare = guardedStorage(timeStorage(opened.storage, clock, metrics), policies, { clock, random })
  bare.onState(({ state, problem }) =>
    events.emit({ type: 'storage.changed', at: clock.now(), state, ...(problem === undefined ? {} : { problem }) }),
  )
  if (process.env.NODE_ENV !== 'production') warnInDevelopment(events, log)
  const failed = (error: unknown) =>
    log.error('the check of stored data failed; the next opening continues it', { error: error as Error })
  const openedEncryption = await openEncryption({ storage: bare, config, clock, events, tables: userTables, failed })
  const { storage, encryption, secret } = openedEncryption
  const blobs = await createBlobs(storage, { secret })
  return { ...opened, bare, storage, ids, events, metrics, openedEncryption, encryption, blobs }
}

interface Assembling {
  readonly source: TroupeConfig
  readonly startup: Startup
  readonly sharedServices: SharedServices | undefined
}

async function assemble(
  config: RevealedConfig,
  base: BaseParts,
  { source: sourceConfig, startup, sharedServices }: Assembling,
): Promise<TroupeParts> {
  const { clock, log, storage, ids, bare } = base
  const callers = new Callers()
  const processId = `${hostname()}/${process.pid}/${ids.next()}`
  const { sharing, ...durable } = await openDurableParts(config, base, { processId, startup })
  const { egressClient, journals } = durable
  const common = assembleCommon(config, { ...durable, callers }, processId)
  const { live, ...own } = await openModels(config, durable, startup)
  const toolPins = new ToolPins({ ...durable, production: config.profile === 'production' })
  const evaluator = new BoundedEvaluator({ clock })
  const toolSources = new ToolSources({ ...base, toolPins, evaluator, fetchFor: egressClient.fetchFor })
  const guards = sharedServices ?? { ...own, toolSources }
  const apiKeys = new ApiKeys(durable)
  const holder = () => sharing?.lease.processId ?? processId
  const { known, ...teams } = assembleTeams(config, { ...durable, ...common, ...guards, holder, apiKeys })
  const housekeeping = new Housekeeping({
    clock,
    log,
    cleanupTasks: cleanupTasksOf({ ...durable, metricStore: common.metricStore }),
  })
  const fetch: FetchPort = (url, init) => egressClient.fetchTo(url)(url, init)
  const observation = new Observation(
    config,
    { ...base, redact: base.redactor.redact, fetch },
    createAgentAlertSink(common.mailboxes),
  )
  const working = {
    ...durable,
    ...common,
    ...teams,
    holder,
    sharing,
    ...noneAtWork(),
    toolPins,
    toolSources,
    evaluator,
    served: new Set<object>(),
    apiKeys,
    live: { ...live, storage: bare, journals },
    housekeeping,
    observation,
    updates: new Updates(durable),
    cache: new Cache({ clock }),
  }
  const erasure = openErasure(base, working)
  const { storage: storageOptions, profile, shutdown = {} } = config
  const settings = {
    storage: storageOptions,
    production: profile === 'production',
    shutdown,
    ...known,
    config: sourceConfig,
  }
  const restored = new Restored(durable)
  return { ...working, erasure, restored, settings, requests: new Requests(storage) }
}

function openErasure(
  { bare, clock, events, log, openedEncryption }: BaseParts,
  working: Parameters<typeof releaseUser>[0] & Pick<TroupeParts, 'audit'>,
): TroupeParts['erasure'] {
  return createErasure({
    storage: bare,
    clock,
    events,
    tables: userTables,
    keyRing: openedEncryption.keyRing,
    outdated: openedEncryption.outdated,
    recorded: (user) => working.audit.erasureRecord(user),
    releaseUser: (user) => releaseUser(working, user),
    failed: (error) => log.error('work for a forgotten user may continue here', { error: error as Error }),
  })
}

const noneAtWork = () => ({
  workers: new Map(),
  starting: new Set<Promise<unknown>>(),
  supervisions: new Map(),
})

/** Opens the parts that agents share: the context and their mailboxes. */
function assembleCommon(
  config: RevealedConfig,
  durable: DurableParts & Pick<CommonParts, 'callers'>,
  processId: string,
): CommonParts {
  const incidents = createIncidents(durable)
  const guard = createTaintGuard(readTaintPolicy(config.policy, config.profile === 'production'), {
    incidents,
    egress: durable.egressClient.egress,
    callers: durable.callers,
    events: durable.events,
    clock: durable.clock,
  })
  const mesh = createContextMesh({
    ...durable,
    privateLabels: guard.privateLabels,
    incidents,
    ...contextOptions(config),
  })
  const heartbeatMs = milliseconds(config.presence?.heartbeat ?? '5s', 'presence.heartbeat')
  const presence = createPresence({ ...durable, processId, heartbeatMs })
  const mailboxes = createMailboxes({
    ...durable,
    incidents,
    privateLabels: guard.privateLabels,
    ...(config.messaging ? { config: config.messaging } : {}),
    subscribersOf: (user, topic, agent) => mesh.subscribersOf(user, topic, agent),
    presentOf: (user, role) => presence.namesOf(user, role),
    answerStep: durable.steps.answer,
    abandonSteps: durable.steps.abandon,
  })
  const metricStore = createMetricStore({ ...durable, retention: config.retention?.metrics ?? '7d' })
  const clients: CommonParts['clients'] = (recorder, access, over) => ({
    context: mesh.staged(recorder, access, over),
    messages: mailboxes.staged(recorder, access),
    metrics: stagedMetrics({ recorder, access, store: metricStore, metrics: durable.metrics }),
  })
  return { incidents, callers: durable.callers, guard, mesh, presence, mailboxes, metricStore, clients }
}
