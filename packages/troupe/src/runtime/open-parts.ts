/** Wires a troupe: the one place where rooms meet concrete adapters. Opened in order; what fails half-way lets go again. */
import { hostname } from 'node:os'
import {
  type Agent,
  type Conversations,
  createConversations,
  createMemories,
  createSessions,
  createStepContext,
  createToolRecords,
  type Services,
} from '../agents/index.ts'
import { createContextMesh, stagedContext } from '../context/index.ts'
import {
  createEvents,
  createIds,
  createRedactor,
  type Events,
  type Fetch,
  milliseconds,
  systemClock,
  systemRandom,
  type TroupeError,
} from '../core/index.ts'
import { createInbox, createJournals, createSteps, createTimers, type Journals, Requests } from '../durable/index.ts'
import { createMailboxes, createPresence, defineMessage, stagedMessages } from '../messaging/index.ts'
import { checkLogConfig, createPinoLog, enterOpenTelemetry, timeStorage } from '../observability/index.ts'
import {
  createEndedRuns,
  createOrchestra,
  createSchedules,
  type EndedRuns,
  type Known,
} from '../orchestration/index.ts'
import { Cache } from '../resilience/index.ts'
import {
  Access,
  ApiKeys,
  createForgetting,
  createForgottenCheck,
  createIncidents,
  createRoles,
  createTaintGuard,
  type OpenedEncryption,
  openAudit,
  openEncryption,
  readPolicy,
  ToolPins,
} from '../security/index.ts'
import { createBlobs, type OpenedStorage, openStorage } from '../storage/index.ts'
import { UnreadResults } from '../tools/index.ts'
import { build } from './build.ts'
import { agentsByName, compiledTopologies, ofStorage, type TroupeConfig } from './config.ts'
import { deliverBy } from './deliver-checkpoints.ts'
import { debugTo, warnInDevelopment } from './development.ts'
import { Gate } from './gate.ts'
import { Housekeeping } from './housekeeping.ts'
import { letGo } from './let-go.ts'
import { MetricsCollector } from './metrics-collector.ts'
import { Observation, tellAgent } from './observation.ts'
import { openModels } from './open-models.ts'
import { Opening } from './opening.ts'
import type { Borrowed, TroupeParts } from './parts.ts'
import { guardedStorage } from './policies-config.ts'
import { Restored } from './restored.ts'
import { journalRetention, keptFor, sweepsOf } from './retention.ts'
import { contextOptions } from './room-options.ts'
import { openSecrets } from './secrets/open-secrets.ts'
import { type RevealedConfig, revealConfig } from './secrets/reveal-config.ts'
import { share } from './sharing.ts'
import { migrations, userTables } from './tables.ts'
import { ToolSources } from './tool-sources.ts'
import { openWaysOut } from './ways-out.ts'

/** What agents tell each other in plain text. */
const Text = defineMessage('text')

/** @throws what opening the storage throws */
export async function openParts(
  given: TroupeConfig,
  opening: Opening = new Opening(),
  borrowed?: Borrowed,
): Promise<TroupeParts> {
  const clock = given.clock ?? systemClock
  const random = given.random ?? systemRandom
  const redactor = createRedactor()
  const around: { events?: Events } = {}
  const log = createPinoLog({
    ...checkLogConfig(given.log ?? {}),
    ...(given.debug ? { level: 'debug' as const } : {}),
    terminal: process.stderr.isTTY === true,
    redactText: redactor.redact,
    surroundings: () => around.events?.surroundings(),
  })
  const secrets = openSecrets(given.secrets, { clock, redactor, variables: process.env })
  const config = await opening.stage('secrets', () => revealConfig(given, secrets, redactor))
  const options = {
    ...(typeof config.storage === 'string' ? { url: config.storage } : { url: 'postgres:', postgres: config.storage }),
    migrations,
    clock,
    random,
    // Who brings a clock means it, also where the server has one of its own.
    time: config.clock ? 'clock' : 'engine',
    production: config.profile === 'production',
    ...(config.retention ? { retention: ofStorage(config.retention) } : {}),
    ...(config.faults ? { faults: config.faults } : {}),
  } as const
  const storage = await opening.stage(
    'storage',
    () => openStorage(options),
    (opened) => opened.close(),
  )
  const opened = { clock, random, gate: new Gate(), letGoOf: [], log, redactor, secrets, storage }
  const base = await opening.stage(
    'encryption',
    () => observed(opened, config),
    ({ encryption }) => encryption.close(),
  )
  around.events = base.events
  return assemble(config, base, { given, opening, borrowed })
}

type Opened = Pick<TroupeParts, 'clock' | 'random' | 'gate' | 'letGoOf' | 'log' | 'redactor' | 'secrets' | 'storage'>
type Base = Opened &
  Pick<TroupeParts, 'ids' | 'events' | 'metrics' | 'encryption' | 'blobs'> & {
    readonly sealing: OpenedEncryption
    /** Without encryption over it. */
    readonly bare: OpenedStorage
  }

/** The storage with all that is told of it, and encryption over it. */
async function observed(opened: Opened, { encryption: config, policies = {} }: RevealedConfig): Promise<Base> {
  const { clock, random, log } = opened
  const ids = createIds(clock, random)
  const events = createEvents(
    (error, event) => log.warn('an observer failed', { type: event.type, error: error as Error }),
    { node: `${hostname()}/${process.pid}/${ids.next()}`, enter: enterOpenTelemetry },
  )
  const metrics = new MetricsCollector(clock)
  metrics.listen(events)
  const bare = guardedStorage(timeStorage(opened.storage, clock, metrics), policies, { clock, random })
  bare.onState(({ state, problem }) =>
    events.emit({ type: 'storage.changed', at: clock.now(), state, ...(problem === undefined ? {} : { problem }) }),
  )
  if (process.env.NODE_ENV !== 'production') warnInDevelopment(events, log)
  const failed = (error: unknown) =>
    log.error('going over what is stored failed; the next opening goes on', { error: error as Error })
  const sealing = await openEncryption({ storage: bare, config, clock, events, tables: userTables, failed })
  const { storage, encryption, secret } = sealing
  const blobs = await createBlobs(storage, { secret })
  return { ...opened, bare, storage, ids, events, metrics, sealing, encryption, blobs }
}

interface Assembling {
  readonly given: TroupeConfig
  readonly opening: Opening
  readonly borrowed: Borrowed | undefined
}

async function assemble(
  config: RevealedConfig,
  base: Base,
  { given: asGiven, opening, borrowed }: Assembling,
): Promise<TroupeParts> {
  const { clock, random, log, storage, ids, events, bare, sealing } = base
  const unread = new UnreadResults({ clock, events })
  const roles = createRoles(config.roles)
  const node = `${hostname()}/${process.pid}/${ids.next()}`
  const { waysOut, audit } = await openAccounts(config, base, { node, opening })
  const inbox = createInbox(base)
  const timers = createTimers(base)
  const kept = keptFor(config.retention)
  const conversations = createConversations(base)
  const journals = createJournals({ ...base, owner: node, retention: journalRetention(kept, conversations) })
  const endedRuns = createEndedRuns({ ...base, keptMs: kept.runs })
  const sharing = await opening.stage(
    'sharing',
    () => share(config, { ...base, journals }),
    (shared) => shared?.close(),
  )
  const mayAct = sharing && { mayAct: () => sharing.lease.check() }
  const { redact } = base.redactor
  const debugged = config.debug ? debugTo(events, log) : {}
  const steps = createSteps({ clock, random, events, storage, journals, inbox, timers, redact, ...mayAct, ...debugged })
  const durable = { ...base, waysOut, audit, unread, roles, inbox, timers, journals, steps, conversations, endedRuns }
  const common = assembleCommon(config, durable, node)
  const { live, ...own } = await openModels(config, durable, opening)
  const toolPins = new ToolPins(durable)
  const toolSources = new ToolSources({ ...base, toolPins, fetchFor: waysOut.fetchFor })
  const guards = borrowed ?? { ...own, toolSources }
  const holder = () => sharing?.lease.node ?? node
  const { known, ...teams } = assembleTeams(config, { ...durable, ...common, holder, ...guards })
  const housekeeping = new Housekeeping({ clock, log, sweeps: sweepsOf(durable) })
  const fetch: Fetch = (url, init) => waysOut.fetchTo(url)(url, init)
  const observation = new Observation(config, { ...base, redact, fetch }, tellAgent(common.mailboxes))
  const working = {
    ...durable,
    ...common,
    ...teams,
    holder,
    sharing,
    ...noneAtWork(),
    toolPins,
    toolSources,
    served: new Set<object>(),
    live: { ...live, storage: bare, journals },
    housekeeping,
    observation,
    cache: new Cache({ clock }),
  }
  const forgetting = createForgetting({
    storage: bare,
    clock,
    events,
    tables: userTables,
    ring: sealing.ring,
    outdated: sealing.outdated,
    recorded: (user) => audit.forgotten(user),
    letGo: (user) => letGo(working, user),
    failed: (error) => log.error('what works for a forgotten user may go on here', { error: error as Error }),
  })
  const { storage: place, profile, shutdown = {} } = config
  const given = { storage: place, production: profile === 'production', shutdown, ...known, config: asGiven }
  const restored = new Restored(durable)
  return { ...working, forgetting, restored, given, keys: new ApiKeys(working), requests: new Requests(storage) }
}

const noneAtWork = () => ({
  workers: new Map(),
  starting: new Set<Promise<unknown>>(),
  supervisions: new Map(),
})

/** The ways out and the audit log: the one tells the other what it refused, which sends its checkpoints by it. */
async function openAccounts(
  config: RevealedConfig,
  base: Base,
  { node, opening }: { readonly node: string; readonly opening: Opening },
): Promise<Pick<TroupeParts, 'waysOut' | 'audit'>> {
  const opened: { audit?: TroupeParts['audit'] } = {}
  const rules = {
    clock: base.clock,
    production: config.profile === 'production',
    refused: ({ code, details }: TroupeError) => {
      const { host } = details as { readonly host: string }
      opened.audit?.record({ actor: 'troupe', operation: 'egress', resource: host, allowed: false, reason: code })
    },
  }
  const waysOut = await opening.stage(
    'ways out',
    () => openWaysOut(config.egress, rules),
    (open) => open.close(),
  )
  const log = {
    ...base,
    config: config.audit,
    deliverTo: deliverBy(waysOut.fetchTo),
    holder: node,
    failed: (error: unknown) =>
      base.log.warn('work on the audit log failed; it is tried again', { error: error as Error }),
  }
  const audit = await opening.stage(
    'audit',
    () => openAudit(log),
    (open) => open.close(),
  )
  opened.audit = audit
  return { waysOut, audit }
}

type Durable = Base &
  Pick<TroupeParts, 'waysOut' | 'roles' | 'audit' | 'unread' | 'inbox' | 'timers' | 'steps'> & {
    readonly journals: Journals
    readonly conversations: Conversations
    readonly endedRuns: EndedRuns
  }
type Common = Pick<TroupeParts, 'incidents' | 'guard' | 'mesh' | 'presence' | 'mailboxes' | 'hands'>

/** What agents share: the context and their mailboxes. */
function assembleCommon(config: RevealedConfig, durable: Durable, node: string): Common {
  const incidents = createIncidents(durable)
  const guard = createTaintGuard(readPolicy(config.policy), { incidents, egress: durable.waysOut.egress })
  const mesh = createContextMesh({ ...durable, incidents, ...contextOptions(config) })
  const heartbeatMs = milliseconds(config.presence?.heartbeat ?? '5s', 'presence.heartbeat')
  const presence = createPresence({ ...durable, node, heartbeatMs })
  const mailboxes = createMailboxes({
    ...durable,
    incidents,
    ...(config.messaging ? { config: config.messaging } : {}),
    subscribersOf: (user, topic, agent) => mesh.subscribersOf(user, topic, agent),
    presentOf: (user, role) => presence.namesOf(user, role),
    answerStep: durable.steps.answer,
    abandonSteps: durable.steps.abandon,
  })
  const hands: Common['hands'] = (recorder, access, over) => ({
    context: stagedContext({ mesh, recorder, access, ...(over ? { over } : {}) }),
    messages: stagedMessages({ recorder, mailboxes, access }),
  })
  return { incidents, guard, mesh, presence, mailboxes, hands }
}

/** What agents are lent. */
function servicesOf(parts: Durable & Common & Borrowed): Services {
  const { clock, events, models, guard, policies, tape, toolSources } = parts
  return {
    clock,
    events,
    models,
    conversations: parts.conversations,
    memories: createMemories(parts),
    toolRecords: createToolRecords(parts),
    toolSources,
    guard,
    timeouts: {},
    ...(policies ? { policies } : {}),
    ...(tape ? { tape } : {}),
  }
}

/** Agents at work: alone in sessions, together in runs. */
function assembleTeams(
  config: RevealedConfig,
  parts: Durable & Common & Borrowed & { readonly holder: () => string },
): Pick<TroupeParts, 'services' | 'sessions' | 'orchestra' | 'schedules'> & { readonly known: Known } {
  const { clock, random, storage, steps, mailboxes, mesh, hands, roles, tape, guard, audit } = parts
  // What an agent may do in its steps: its own definition decides, and that of who acts for it.
  const accessOf = (agent: Agent, within: readonly Agent['access'][] = []) =>
    within.reduce((above, access) => new Access(access, roles, above), new Access(agent.access, roles))
  const services = servicesOf(parts)
  const sessions = createSessions({
    steps: {
      ...steps,
      execute: async (spec, program) => {
        parts.gate.check('Asking an agent')
        return steps.execute(spec, program)
      },
    },
    storage,
    services,
    audit,
    contextOf: (recorder, { agent, name, ask, over, within }) =>
      createStepContext({
        agent: name,
        recorder,
        clock,
        random,
        hands: { ...hands(recorder, accessOf(agent, within), over), ask },
        ...{ guard, tape, vouches: agent.source !== undefined },
      }),
    send: (user, from, to, content) =>
      mailboxes.hands({ user, agent: from.name, access: accessOf(from) }).messages.send(Text, content, { to }),
  })
  const known: Known = {
    agents: agentsByName(config.agents ?? []),
    topologies: compiledTopologies(config.topologies ?? {}),
  }
  const orchestra = createOrchestra(
    {
      ...parts,
      build,
      redact: parts.redactor.redact,
      scores: config.evaluation?.scores ?? {},
      services,
      forgotten: createForgottenCheck(parts.bare),
      hands: (recorder, agent, over, within) => hands(recorder, accessOf(agent, within), over),
    },
    known,
  )
  const schedules = createSchedules(
    {
      ...parts,
      context: (user) => mesh.host(user),
      written: (user, after) => mesh.written(user, after),
      mailbox: (user, agent) => mailboxes.hands({ user, agent, access: new Access() }).mailbox,
    },
    orchestra,
    known,
    config.schedules,
  )
  return { services, sessions, orchestra, schedules, known }
}
