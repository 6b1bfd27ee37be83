/** A real messaging room with steps and context on a real storage, for the tests of this room. */
import { contextMigrations, contextTables, createContextMesh, type Mesh, stagedContext } from '../context/index.ts'
import {
  type Clock,
  createEvents,
  createIds,
  createVirtualClock,
  type Json,
  milliseconds,
  seededRandom,
  systemRandom,
  type TroupeEvent,
  type VirtualClock,
} from '../core/index.ts'
import {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  durableMigrations,
  durableTables,
  type Journals,
  type Recorder,
  type StepEnd,
  type Steps,
} from '../durable/index.ts'
import {
  Access,
  type AccessOptions,
  createEgress,
  createIncidents,
  createTaintGuard,
  openAudit,
  openEncryption,
  readPolicy,
  securityMigrations,
} from '../security/index.ts'
import { createBlobs, type Faults, type OpenedStorage, openStorage } from '../storage/index.ts'
import type { MessagingConfig } from './config.ts'
import type { MailboxHands } from './mailbox-hands.ts'
import { createMailboxes, type Mailboxes } from './mailboxes.ts'
import type { LiveMessageHands, MessageHands } from './message-hands.ts'
import { messagingTables } from './messaging-tables.ts'
import { messagingMigrations } from './migrations.ts'
import { createPresence, type Presence } from './presence.ts'
import { stagedMessages } from './staged-messages.ts'
import { type RunningWorker, startWorker, type WorkerWatch } from './start-worker.ts'
import type { SuperviseChild, SuperviseOptions } from './supervision/supervise-options.ts'
import { Supervisor } from './supervision/supervisor.ts'
import type { Worker } from './worker.ts'

export interface Room {
  readonly clock: VirtualClock
  readonly storage: OpenedStorage
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly steps: Steps
  readonly journals: Journals
  readonly mesh: Mesh
  readonly events: TroupeEvent[]
  agent(name: string, options?: AccessOptions & { readonly user?: string }): Hands
  start(worker: Worker, user?: string): Promise<RunningWorker>
  /** Not started yet: so that what goes wrong with it can be looked at. */
  supervisor(children: readonly SuperviseChild[], options?: SuperviseOptions): Supervisor
  /** A function agent of one step. */
  step(name: string, id: string, run: (messages: MessageHands, recorder: Recorder) => Promise<Json>): Promise<StepEnd>
  close(): Promise<void>
}
export interface Hands {
  readonly messages: LiveMessageHands
  readonly mailbox: MailboxHands
  /** Receives and acknowledges until nothing is there; the payloads. */
  drain(): Promise<unknown[]>
}

export interface RoomOptions {
  readonly url?: string
  /** Of a PostgreSQL database. */
  readonly schema?: string
  /** Whose hands and workers they are where nothing else is said; `ada`. */
  readonly user?: string
  readonly sealed?: boolean
  readonly clock?: VirtualClock
  readonly config?: MessagingConfig
  readonly seed?: string
  readonly heartbeat?: '300ms' | '10s'
  readonly subscribers?: Readonly<Record<string, readonly string[]>>
  /** When the writer of the storage fails. */
  readonly faults?: Faults['at']
}

async function sealedStorage(storage: OpenedStorage, clock: Clock): Promise<OpenedStorage> {
  const failed = (error: unknown) => {
    throw error
  }
  const config = { keys: [{ id: 'test', key: new Uint8Array(32) }] }
  const tables = [...durableTables, ...contextTables, ...messagingTables]
  return (await openEncryption({ storage, config, clock, events: createEvents(failed), tables, failed })).storage
}

async function partsOf(storage: OpenedStorage, clock: Clock, seed: string) {
  const random = seededRandom(seed)
  const ids = createIds(clock, random)
  const seen: TroupeEvent[] = []
  const events = createEvents((error) => {
    throw error
  })
  events.on('*', (event) => seen.push(event))
  // Its ids are none that the seed gives again.
  const chance = { random: systemRandom, ids: createIds(clock, systemRandom) }
  const audit = await openAudit({ storage, clock, ...chance, events, holder: 'test', failed: () => {} })
  const incidents = createIncidents({ audit, events })
  const guard = createTaintGuard(readPolicy(), { incidents, egress: createEgress({ allow: [] }, { clock }) })
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

type Working = Awaited<ReturnType<typeof partsOf>> & Pick<Room, 'mailboxes' | 'presence' | 'mesh'>

function workersOf(parts: Working, whose: string) {
  const { events, clock, mesh } = parts
  const running = new Set<RunningWorker>()
  const supervisors: Supervisor[] = []
  const contextOf = (recorder: Recorder, access: Access) => stagedContext({ recorder, mesh, access })
  const start = async (worker: Worker, user: string, watch?: WorkerWatch) => {
    const watched = watch === undefined ? {} : { watch }
    const started = await startWorker(worker, { ...parts, user, contextOf, ...watched })
    running.add(started)
    return started
  }
  return {
    start,
    supervisor(children: readonly SuperviseChild[], options: SuperviseOptions) {
      const supervisor = new Supervisor(children, options, {
        ...parts,
        emit: (type, fields) => events.emit({ ...fields, type, at: clock.now(), userId: whose }),
        start: (worker, watch) => start(worker, whose, watch),
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

const migrations = [...durableMigrations, ...securityMigrations, ...contextMigrations, ...messagingMigrations]

export async function openRoom(options: RoomOptions = {}): Promise<Room> {
  const {
    url = 'memory:',
    schema,
    user: whose = 'ada',
    sealed = false,
    clock = createVirtualClock(),
    config,
    seed = 'seed',
    subscribers = {},
    heartbeat = '10s',
    faults,
  } = options
  const bare = await openStorage({
    url,
    migrations,
    clock,
    random: seededRandom(seed),
    ...(faults === undefined ? {} : { faults: { clock, random: seededRandom(seed), at: faults } }),
    ...(schema === undefined ? {} : { time: 'clock', postgres: { schema } }),
  })
  const storage = sealed ? await sealedStorage(bare, clock) : bare
  const parts = { ...(await partsOf(storage, clock, seed)), blobs: await createBlobs(storage) }
  const { steps, journals, timers, seen, incidents } = parts
  const mesh = createContextMesh(parts)
  const presence = createPresence({ ...parts, node: `node-${seed}`, heartbeatMs: milliseconds(heartbeat, 'heartbeat') })
  const mailboxes = createMailboxes({
    ...parts,
    ...(config === undefined ? {} : { config }),
    subscribersOf: async (_, topic) => subscribers[topic] ?? [],
    presentOf: (user, role) => presence.namesOf(user, role),
    answerStep: (...answer) => steps.answer(...answer),
    abandonSteps: (...given) => steps.abandon(...given),
  })
  for (const part of [mailboxes.signatures, mailboxes, timers]) await part?.start()
  const work = workersOf({ ...parts, mailboxes, presence, mesh }, whose)
  return {
    clock,
    storage,
    mailboxes,
    presence,
    steps,
    journals,
    mesh,
    events: seen,
    agent(name, { user = whose, ...access } = {}) {
      const hands = mailboxes.hands({ user, agent: name, access: new Access(access) })
      return { ...hands, drain: () => drain(hands.mailbox) }
    },
    start: (worker, user = whose) => work.start(worker, user),
    supervisor: (children, options = {}) => work.supervisor(children, options),
    step(name, id, run) {
      const principal = { userId: whose, kind: 'agent', name } as const
      return steps.execute({ id, principal, input: null, settled: () => ({ statements: [] }) }, (recorder) =>
        run(stagedMessages({ recorder, mailboxes, access: new Access() }), recorder),
      )
    },
    async close() {
      await work.stop()
      await steps.close()
      await timers.stop()
      presence.close()
      await mailboxes.close()
      await incidents.settled()
      await storage.close()
    },
  }
}

async function drain(mailbox: MailboxHands): Promise<unknown[]> {
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
