/** A real messaging room with steps and context on a real storage, for the tests of this room. */
import { buildStepContext } from '../agents/index.ts'
import { contextMigrations, contextTables, Mesh } from '../context/index.ts'
import {
  type Clock,
  createEvents,
  createIds,
  createVirtualClock,
  type EventFields,
  type Json,
  milliseconds,
  seededRandom,
  systemClock,
  systemRandom,
  type TroupeEvent,
  type VirtualClock,
} from '../core/index.ts'
import {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  type Journals,
  journalMigrations,
  journalTables,
  type Recorder,
  type StepEnd,
  type Steps,
} from '../journal/index.ts'
import {
  Access,
  type AccessOptions,
  createIncidents,
  createTaintGuard,
  openAudit,
  openEgress,
  openEncryption,
  readTaintPolicy,
  securityMigrations,
} from '../security/index.ts'
import { createBlobs, type Faults, type OpenedStorage, openStorage } from '../storage/index.ts'
import type { Mailbox } from './mailbox.ts'
import { Mailboxes } from './mailboxes.ts'
import type { CommittedMessages, MessageClient } from './message-client.ts'
import type { MessagingConfig } from './messaging-config.ts'
import { messagingMigrations } from './messaging-migrations.ts'
import { messagingTables } from './messaging-tables.ts'
import type { SuperviseChild, SuperviseOptions } from './supervision/supervise-options.ts'
import { Supervisor } from './supervision/supervisor.ts'
import { Presence } from './workers/presence.ts'
import type { RunningWorker, WorkerWatch } from './workers/running-worker.ts'
import { startWorker, type WorkerContextOf } from './workers/start-worker.ts'
import type { Worker } from './workers/worker.ts'

export interface MessagingTestbed {
  readonly clock: VirtualClock
  readonly storage: OpenedStorage
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly steps: Steps
  readonly journals: Journals
  readonly mesh: Mesh
  readonly events: EventFields[]
  agent(name: string, options?: AccessOptions & { readonly user?: string }): AgentClients
  start(worker: Worker, user?: string): Promise<RunningWorker>
  /** Not started yet: so that what goes wrong with it can be looked at. */
  supervisor(children: readonly SuperviseChild[], options?: SuperviseOptions): Supervisor
  /** A function agent of one step. */
  step(name: string, id: string, run: (messages: MessageClient, recorder: Recorder) => Promise<Json>): Promise<StepEnd>
  close(): Promise<void>
}
export interface AgentClients {
  readonly messages: CommittedMessages
  readonly mailbox: Mailbox
  /** Receives and acknowledges until nothing is there; the payloads. */
  drain(): Promise<unknown[]>
}

export interface MessagingTestbedOptions {
  readonly url?: string
  /** Of a PostgreSQL database. */
  readonly schema?: string
  /** Whose hands and workers they are where nothing else is said; `ada`. */
  readonly user?: string
  readonly encrypted?: boolean
  readonly clock?: VirtualClock
  readonly config?: MessagingConfig
  readonly seed?: string
  readonly heartbeat?: '300ms' | '10s'
  readonly subscribers?: Readonly<Record<string, readonly string[]>>
  /** When the writer of the storage fails. */
  readonly faults?: Faults['at']
}

async function encryptedStorage(storage: OpenedStorage, clock: Clock): Promise<OpenedStorage> {
  const failed = (error: unknown) => {
    throw error
  }
  const config = { keys: [{ id: 'test', key: new Uint8Array(32) }] }
  const tables = [...journalTables, ...contextTables, ...messagingTables]
  return (await openEncryption({ storage, config, clock, events: createEvents(failed), tables, failed })).storage
}

async function partsOf(storage: OpenedStorage, clock: Clock, seed: string) {
  const random = seededRandom(seed)
  const ids = createIds(clock, random)
  const seen: EventFields[] = []
  const events = createEvents((error) => {
    throw error
  })
  events.on('*', (event) => seen.push(event))
  // Its ids are none that the seed gives again.
  const chance = { clock, random: systemRandom, ids: createIds(clock, systemRandom), events }
  const audit = await openAudit({ storage, platform: chance, holder: 'test', failed: () => {} })
  const incidents = createIncidents({ audit, events })
  const guard = createTaintGuard(readTaintPolicy(), {
    incidents,
    egress: openEgress({ allow: [] }, { clock }),
    events,
    clock,
  })
  const journals = createJournals({ storage, clock, owner: 'test' })
  const inbox = createInbox({ storage, clock })
  const timers = createTimers({ storage, clock })
  const steps = createSteps({ storage, journals, inbox, timers, clock, random })
  return {
    journals,
    storage,
    clock,
    random,
    ids,
    events,
    audit,
    incidents,
    guard,
    inbox,
    timers,
    steps,
    seen,
  }
}

type Working = Awaited<ReturnType<typeof partsOf>> & Pick<MessagingTestbed, 'mailboxes' | 'presence' | 'mesh'>

function workersOf(parts: Working, owner: string) {
  const { events, clock, mesh } = parts
  const running = new Set<RunningWorker>()
  const supervisors: Supervisor[] = []
  const contextOf: WorkerContextOf = (recorder, access, previous) =>
    buildStepContext({
      agent: recorder.principal.name,
      ...{ recorder, clock, random: parts.random, guard: parts.guard, previous, vouches: true },
      clients: {
        context: mesh.staged(recorder, access),
        messages: parts.mailboxes.staged(recorder, access),
        metrics: {} as never,
      },
    })
  const start = async (worker: Worker, user: string, watch?: WorkerWatch) => {
    const watched = watch === undefined ? {} : { watch }
    const started = await startWorker(worker, { ...parts, journal: parts, contextOf }, { user, ...watched })
    running.add(started)
    return started
  }
  return {
    start,
    supervisor(children: readonly SuperviseChild[], options: SuperviseOptions) {
      const supervisor = new Supervisor(children, options, {
        ...parts,
        emit: (type, fields) =>
          events.emit({ ...fields, type, at: clock.now(), userId: owner } as TroupeEvent<typeof type>),
        start: (worker, watch) => start(worker, owner, watch),
      })
      supervisors.push(supervisor)
      return supervisor
    },
    async stop() {
      await Promise.all(supervisors.map((supervisor) => supervisor.stop()))
      await Promise.allSettled([...running].map((started) => started.stop()))
    },
  }
}

const migrations = [...journalMigrations, ...securityMigrations, ...contextMigrations, ...messagingMigrations]

/** Without encryption over it. */
function openBareStorage(
  { url = 'memory:', schema, faults }: MessagingTestbedOptions,
  clock: Clock,
  seed: string,
): Promise<OpenedStorage> {
  return openStorage({
    url,
    migrations,
    clock,
    random: seededRandom(seed),
    ...(faults === undefined ? {} : { faults: { clock, random: seededRandom(seed), at: faults } }),
    ...(schema === undefined ? {} : { time: 'clock', postgres: { schema } }),
  })
}

export async function openMessagingTestbed(options: MessagingTestbedOptions = {}): Promise<MessagingTestbed> {
  const {
    user: owner = 'ada',
    encrypted = false,
    clock = createVirtualClock(),
    config,
    seed = 'seed',
    subscribers = {},
    heartbeat = '10s',
  } = options
  const bare = await openBareStorage(options, clock, seed)
  const storage = encrypted ? await encryptedStorage(bare, clock) : bare
  const parts = { ...(await partsOf(storage, clock, seed)), blobs: await createBlobs(storage) }
  const { steps, journals, timers, seen, incidents } = parts
  const { ids, random, events, blobs } = parts
  const platform = { clock, ids, random, events }
  const mesh = new Mesh({ storage, blobs, platform, security: parts })
  const presence = new Presence({
    ...parts,
    processId: `node-${seed}`,
    heartbeatMs: milliseconds(heartbeat, 'heartbeat'),
  })
  const mailboxes = new Mailboxes(
    {
      ...{ storage, blobs, steps, security: parts },
      platform,
      recipients: {
        subscribersOf: async (_, topic) => subscribers[topic] ?? [],
        presentOf: (user, role) => presence.namesOf(user, role),
      },
    },
    config,
  )
  for (const part of [mailboxes.signatures, mailboxes, timers]) await part?.start()
  const work = workersOf({ ...parts, mailboxes, presence, mesh }, owner)
  return {
    clock,
    storage,
    mailboxes,
    presence,
    steps,
    journals,
    mesh,
    events: seen,
    agent(name, { user = owner, ...access } = {}) {
      const messages = mailboxes.messages({ user, agent: name, access: new Access(access) })
      const mailbox = mailboxes.mailbox(user, name)
      return { messages, mailbox, drain: () => drain(mailbox) }
    },
    start: (worker, user = owner) => work.start(worker, user),
    supervisor: (children, options = {}) => work.supervisor(children, options),
    step(name, id, run) {
      const principal = { userId: owner, kind: 'agent', name } as const
      return steps.execute({ id, principal, input: null, onEnd: () => ({ statements: [] }) }, (recorder) =>
        run(mailboxes.staged(recorder, new Access()), recorder),
      )
    },
    async close() {
      await advanceUntil(work.stop(), clock)
      await steps.close()
      await timers.stop()
      presence.close()
      await mailboxes.close()
      await incidents.flush()
      await storage.close()
    },
  }
}

/** A step whose commit was rejected waits for the clock. */
async function advanceUntil(stopped: Promise<void>, clock: VirtualClock): Promise<void> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  stopped.then(over, over)
  while (!isOver) {
    await clock.advance('100ms')
    await new Promise<void>((resolve) => void systemClock.after(1, resolve))
  }
  await stopped
}

async function drain(mailbox: Mailbox): Promise<unknown[]> {
  const payloads: unknown[] = []
  for (;;) {
    const deliveries = await mailbox.receive({ max: 100 })
    if (deliveries.length === 0) return payloads
    for (const delivery of deliveries) {
      payloads.push(delivery.message.payload)
      await delivery.ack()
    }
  }
}
