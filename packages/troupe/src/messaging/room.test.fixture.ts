/** A real messaging room with steps and context on a real storage, for the tests of this room. */
import { contextMigrations, createContextMesh, type Mesh, stagedContext } from '../context/index.ts'
import {
  type Clock,
  createEvents,
  createIds,
  createVirtualClock,
  type Json,
  milliseconds,
  seededRandom,
  type TroupeEvent,
  type VirtualClock,
} from '../core/index.ts'
import {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  durableMigrations,
  type Recorder,
  type StepEnd,
  type Steps,
} from '../durable/index.ts'
import { Access, type AccessOptions, createIncidents, securityMigrations } from '../security/index.ts'
import { type OpenedStorage, openStorage } from '../storage/index.ts'
import type { MessagingConfig } from './config.ts'
import type { MailboxHands } from './mailbox-hands.ts'
import { createMailboxes, type Mailboxes } from './mailboxes.ts'
import type { MessageHands } from './message-hands.ts'
import { messagingMigrations } from './migrations.ts'
import { createPresence, type Presence } from './presence.ts'
import { stagedMessages } from './staged-messages.ts'
import { type RunningWorker, startWorker } from './start-worker.ts'
import type { Worker } from './worker.ts'

export interface Room {
  readonly clock: VirtualClock
  readonly storage: OpenedStorage
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly steps: Steps
  readonly mesh: Mesh
  readonly events: TroupeEvent[]
  agent(name: string, options?: AccessOptions & { readonly user?: string }): Hands
  start(worker: Worker, user?: string): Promise<RunningWorker>
  /** A function agent of one step. */
  step(name: string, id: string, run: (messages: MessageHands, recorder: Recorder) => Promise<Json>): Promise<StepEnd>
  close(): Promise<void>
}
export interface Hands {
  readonly messages: MessageHands
  readonly mailbox: MailboxHands
  /** Receives and acknowledges until nothing is there; the payloads. */
  drain(): Promise<unknown[]>
}

export interface RoomOptions {
  readonly url?: string
  readonly clock?: VirtualClock
  readonly config?: MessagingConfig
  readonly seed?: string
  readonly heartbeat?: '300ms' | '10s'
  readonly subscribers?: Readonly<Record<string, readonly string[]>>
}

function partsOf(storage: OpenedStorage, clock: Clock, seed: string) {
  const random = seededRandom(seed)
  const ids = createIds(clock, random)
  const seen: TroupeEvent[] = []
  const events = createEvents((error) => {
    throw error
  })
  events.on('*', (event) => seen.push(event))
  const incidents = createIncidents({ storage, clock, ids, events })
  const journals = createJournals({ storage, clock, owner: 'test' })
  const inbox = createInbox({ storage, clock })
  const timers = createTimers({ storage, clock })
  const steps = createSteps({ storage, journals, inbox, timers, clock, random })
  return { storage, clock, random, ids, events, incidents, inbox, timers, steps, seen }
}

export async function openRoom(options: RoomOptions = {}): Promise<Room> {
  const {
    url = 'memory:',
    clock = createVirtualClock(),
    config,
    seed = 'seed',
    subscribers = {},
    heartbeat = '10s',
  } = options
  const migrations = [...durableMigrations, ...securityMigrations, ...contextMigrations, ...messagingMigrations]
  const storage = await openStorage({ url, migrations, clock, random: seededRandom(seed) })
  const parts = partsOf(storage, clock, seed)
  const { steps, timers, inbox, random, seen, incidents } = parts
  const mesh = createContextMesh(parts)
  const presence = createPresence({ ...parts, node: `node-${seed}`, heartbeatMs: milliseconds(heartbeat, 'heartbeat') })
  const mailboxes = createMailboxes({
    ...parts,
    ...(config === undefined ? {} : { config }),
    subscribersOf: async (_, topic) => subscribers[topic] ?? [],
    presentOf: (user) => presence.namesOf(user),
    answerStep: (...answer) => steps.answer(...answer),
  })
  mailboxes.start()
  timers.start()
  const running = new Set<RunningWorker>()
  return {
    clock,
    storage,
    mailboxes,
    presence,
    steps,
    mesh,
    events: seen,
    agent(name, { user = 'ada', ...access } = {}) {
      const hands = mailboxes.hands({ user, agent: name, access: new Access(access) })
      return { ...hands, drain: () => drain(hands.mailbox) }
    },
    async start(worker, user = 'ada') {
      const contextOf = (recorder: Recorder, access: Access) => stagedContext({ recorder, mesh, access })
      const started = await startWorker(worker, { user, mailboxes, presence, steps, inbox, clock, random, contextOf })
      running.add(started)
      return started
    },
    step(name, id, run) {
      const principal = { userId: 'ada', kind: 'agent', name } as const
      return steps.execute({ id, principal, input: null, settled: () => ({ statements: [] }) }, (recorder) =>
        run(stagedMessages({ recorder, mailboxes, access: new Access() }), recorder),
      )
    },
    async close() {
      await Promise.all([...running].map((started) => started.stop()))
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
