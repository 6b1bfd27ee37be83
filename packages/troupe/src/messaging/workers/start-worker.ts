/** Runs a worker: joins its presence to its intake, and ends only when the handlers in progress have ended. */
import { invalidInput, milliseconds, sleep } from '../../core/index.ts'
import type { JournalParts, Recorder } from '../../journal/index.ts'
import { Access } from '../../security/index.ts'
import type { Mailboxes } from '../mailboxes.ts'
import type { MessageType } from '../message-type.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import type { PreviousEffects } from '../receiving/previous-attempts.ts'
import { Handling } from './handling.ts'
import { OwnCode } from './own-code.ts'
import type { AgentDetail, Presence } from './presence.ts'
import { jobOf, registeredTypes } from './registered-types.ts'
import type { HaltableWorker, WorkerWatch } from './running-worker.ts'
import { attach, begin, detach, type HandlerContext, type Registrations, Worker } from './worker.ts'
import { WorkerFailures } from './worker-failures.ts'
import { WorkerIntake } from './worker-intake.ts'
import { WorkerPeers } from './worker-peers.ts'
import { startAll } from './worker-resources.ts'

export type WorkerContextOf = (
  recorder: Recorder,
  access: Access,
  previous: PreviousEffects,
) => Omit<HandlerContext, 'attempt'>

export interface StartWorkerParts {
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly journal: Pick<JournalParts, 'steps' | 'inbox'>
  /** Builds the `ctx` of a handler; a module above this one provides it. */
  readonly contextOf: WorkerContextOf
}

export interface StartWorkerOptions {
  readonly user: string
  /** The rights of the worker; by default those of its options. */
  readonly access?: Access
  /** The observer of a supervisor; absent without one. */
  readonly watch?: WorkerWatch
}

const defaults = { backoff: '100ms', maxBackoff: '30s' } as const
/** The time in ms in which aborted handlers may end, once for their effects and once for their code. */
const haltMs = 30_000

/** Starts a worker. @throws the error of `onStart` or of a resource; ConflictError `worker.started` */
export async function startWorker(
  worker: Worker,
  parts: StartWorkerParts,
  options: StartWorkerOptions,
): Promise<HaltableWorker> {
  if (!(worker instanceof Worker)) throw invalidInput('The argument of start', 'it must be a Worker')
  const running = new WorkerRunner(worker, parts, options)
  await running.start()
  return running
}

class WorkerRunner implements HaltableWorker {
  readonly #worker: Worker
  readonly #user: string
  readonly #parts: StartWorkerParts
  readonly #registered: Registrations
  readonly #failures: WorkerFailures
  readonly #peers: WorkerPeers
  readonly #handling: Handling
  readonly #intake: WorkerIntake
  readonly #ownCode = new OwnCode()
  #leave: (() => Promise<void>) | undefined
  #release: (() => Promise<void>) | undefined
  #stopped: Promise<void> | undefined
  detail!: AgentDetail

  constructor(worker: Worker, parts: StartWorkerParts, options: StartWorkerOptions) {
    this.#worker = worker
    this.#user = options.user
    this.#parts = parts
    const { mailboxes, presence } = parts
    const { user, access = new Access(worker.options.access), watch } = options
    const { messaging } = mailboxes
    const { security, platform } = mailboxes.parts
    const { clock, random } = platform
    const retry = retryOf(worker, messaging.settings.maxAttempts)
    const registered = worker[attach]({
      messages: mailboxes.messages({ user, agent: worker.name, access }),
      changed: (change) => messaging.emit('worker.changed', user, { agent: worker.name, ...change }),
    })
    const emit = messaging.emit.bind(messaging)
    const failures = new WorkerFailures({ user, worker, emit, watch })
    this.#registered = registered
    this.#failures = failures
    this.#peers = new WorkerPeers({
      user,
      worker,
      presence,
      incidents: security.incidents,
      failures,
      ownCode: this.#ownCode,
    })
    this.#handling = new Handling({
      ...{ user, agent: worker.name, clock, random, ...parts.journal, retry, watch },
      leaseMs: messaging.settings.leaseMs,
      retentionMs: messaging.settings.retentionMs,
      contextOf: (recorder, previous) => parts.contextOf(recorder, access, previous),
      failures,
    })
    this.#intake = new WorkerIntake({
      ...{ user, worker, registered, mailboxes },
      handle: (deliveries) => this.#handle(deliveries),
      failed: (error) => failures.report(error),
    })
  }

  async start(): Promise<void> {
    const { presence } = this.#parts
    const { name, options } = this.#worker
    let begun = false
    try {
      this.#release = await startAll(this.#registered.resources)
      await this.#worker.onStart()
      begun = true
      this.#worker[begin]()
      const { role = 'worker', topics = [] } = options
      const { detail, leave } = await presence.join(this.#user, { name, role, topics })
      this.detail = detail
      this.#leave = leave
      await this.#peers.watch(this.#registered)
    } catch (error) {
      this.#handling.close()
      this.#peers.unwatch()
      await this.#leave?.().catch(() => {})
      // The caller gets the reason why the worker did not start, whatever fails while it ends.
      await this.#end(begun).catch(() => {})
      throw error
    }
    this.#intake.start()
  }
  get types(): readonly MessageType[] {
    return registeredTypes(this.#registered)
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    const stopped = this.#stopped
    if (!this.#ownCode.calls) return stopped
    void this.#failures.contain(() => stopped)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
  async halt(): Promise<void> {
    const stopped = this.#failures.contain(() => this.stop())
    this.#handling.halt()
    const over = new AbortController()
    await Promise.race([
      stopped,
      sleep(this.#parts.mailboxes.parts.platform.clock, haltMs, over.signal).catch(() => {}),
    ])
    over.abort()
  }
  async #stop(): Promise<void> {
    this.#intake.stop()
    this.#handling.stop()
    this.#peers.unwatch()
    try {
      await this.#leave?.()
    } finally {
      await this.#intake.idle()
      await this.#peers.idle()
      this.#handling.close()
      await this.#end(true)
    }
  }
  /** @param begun true if `onStart` has completed */
  async #end(begun: boolean): Promise<void> {
    try {
      if (begun) await this.#worker.onStop()
    } finally {
      this.#worker[detach]()
      await this.#release?.()
    }
  }

  async #handle(deliveries: readonly DeliveryHandle[]): Promise<void> {
    const [first, ...others] = await this.#peers.accepted(deliveries)
    if (!first) return
    const job = jobOf(this.#worker, this.#registered, [first, ...others])
    const ownCode = this.#ownCode
    if (job) return this.#handling.run({ ...job, handle: (ctx) => ownCode.run(async () => job.handle(ctx)) })
    const { name } = this.#worker
    await this.#failures.deadLetter(first, `${name} has no handler for ${first.message.type} and no onMessage`)
  }
}

/** @throws ValidationError for more attempts than the mailboxes allow */
function retryOf({ options }: Worker, maxAttempts: number) {
  const { attempts = maxAttempts, backoff = defaults.backoff, maxBackoff = defaults.maxBackoff } = options.retry ?? {}
  if (attempts > maxAttempts)
    throw invalidInput('retry.attempts', `${attempts} is above messaging.maxAttempts, ${maxAttempts}`)
  const baseMs = milliseconds(backoff, 'retry.backoff')
  return { attempts, backoff: { baseMs, maxMs: milliseconds(maxBackoff, 'retry.maxBackoff') } }
}
