/** `Worker`: an agent that handles messages. A subclass registers its handlers; `ada.start(worker)` runs it. */

import { type ContextClient, checkAgentName } from '../../context/index.ts'
import {
  checkFunction,
  checkOptions,
  type Duration,
  type Fitting,
  failure,
  invalidInput,
  isList,
  type Json,
  milliseconds,
  readable,
  show,
} from '../../core/index.ts'
import type { EffectSpec, OutsideFunction } from '../../journal/index.ts'
import type { UserMetrics } from '../../observability/index.ts'
import { type AccessOptions, checkGrants } from '../../security/index.ts'
import type { Message } from '../message.ts'
import type { BroadcastOptions, MessageClient, PublishOptions, RequestOptions, SendOptions } from '../message-client.ts'
import { checkMessageType, type MessageType } from '../message-type.ts'
import { StateMachine, type StateMachineOptions } from './machines/state-machine.ts'
import type { Transition } from './machines/transition-table.ts'
import type { AgentDetail } from './presence.ts'
import { checkResource, type Resource } from './worker-resources.ts'

/** Members for `startWorker` only: no entry exports these names, so an application cannot call them. */
export const attach: unique symbol = Symbol('attach')
export const begin: unique symbol = Symbol('begin')
export const detach: unique symbol = Symbol('detach')

/** The options of a `Worker`. */
export interface WorkerOptions {
  /** The role that presence announces, any text; `worker` by default. Rights are set by `access`. */
  readonly role?: string
  /** The topics that presence announces; none by default. */
  readonly topics?: readonly string[]
  /** The rights of the worker; those of a `contributor` by default. */
  readonly access?: AccessOptions
  /** The number of handlers in progress at once, never two of one lane; a batch counts as one. 1 by default. */
  readonly concurrency?: number
  /** The retries of messages whose handler failed. */
  readonly retry?: {
    /**
     * The number of attempts before a message becomes a dead letter; by default, and at most, `messaging.maxAttempts`.
     */
    readonly attempts?: number
    /** The pause before the second attempt, doubled for each further attempt; 100 ms by default. */
    readonly backoff?: Duration
    /** The longest pause; 30 s by default. */
    readonly maxBackoff?: Duration
  }
}

/** The clients of a handler. Their writes commit together with the acknowledgement, or not at all. */
export interface HandlerContext {
  /** The name of the worker. */
  readonly agent: string
  /**
   * The number of the delivery with which this attempt began. It is the same if the handler is executed again after a
   * crash.
   */
  readonly attempt: number
  /** Aborts when the lease is lost, or when a supervisor halts the worker. */
  readonly signal: AbortSignal
  /** The context client of the worker. */
  readonly context: ContextClient
  /** The message client of the worker. */
  readonly messages: MessageClient
  /** Metrics of the application, stored by the minute, for all agents of the user. */
  readonly metrics: UserMetrics
  /** Undefined: a handler belongs to no run. */
  readonly runId: string | undefined
  /**
   * Executes an effect outside Troupe. If the handler has read untrusted and sensitive data, an effect of class `idempotent`
   * or `at-most-once` is rejected unless `policy.taint` is `report`, since a handler cannot ask for an approval.
   * @throws AccessDeniedError `taint.rejected`
   */
  effect<Out>(name: string, spec: EffectSpec<Out>, fn: OutsideFunction<Out>): Promise<Out>
  /**
   * Declares that the value holds none of the data that the handler has read. The taint is removed, and the reason is
   * recorded as an incident.
   */
  declassify<T>(value: T, reason: string): Promise<T>
  /**
   * Sends a request to another agent and resolves with the payload of its reply.
   * @throws TimeoutError after `timeout`, 30 s by default; the error with which the recipient failed
   */
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
  /** Commits the staged writes so far, without the acknowledgement. If the handler fails later, they stay. */
  commit(): Promise<void>
  /** Returns the time in ms since 1970. The value is recorded. */
  now(): number
  /** Returns a random number in [0, 1). The value is recorded. */
  random(): number
}

/** Handles one message. The returned value is the reply to a request; an error fails the attempt. */
export type Handler<P = unknown> = (message: Message<P>, ctx: HandlerContext) => unknown
/** The values that a handler may return for a type with replies of R; any for a type without a schema of its replies. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler of messages that are not requests returns nothing.
type HandledReply<R> = [Json] extends [R] ? unknown : Fitting<R> | undefined | void
/** Handles a batch of messages. An error fails the attempt of all of them. */
export type BatchHandler<P = unknown> = (messages: readonly Message<P>[], ctx: HandlerContext) => unknown
/** Handles the connect or the disconnect of a worker. */
export type PresenceHandler = (detail: AgentDetail) => unknown

/** The third argument of `onFailure`. */
export interface FailureDetails {
  /** The attempt, counted from 1; absent if no message was handled. */
  readonly attempt?: number
}

/** The options of `onBatch`. */
export interface BatchOptions {
  /** The highest number of messages of a batch, 1 to 1,000. */
  readonly size: number
  /** How long the first message of a batch waits for others. */
  readonly wait: Duration
}

export interface RegisteredBatch {
  readonly type: MessageType
  readonly size: number
  readonly waitMs: number
  readonly handler: BatchHandler
}

/** The registered handlers, for `startWorker`. */
export interface Registrations {
  readonly handlers: ReadonlyMap<string, { readonly type: MessageType; readonly handler: Handler }>
  readonly batches: ReadonlyMap<string, RegisteredBatch>
  readonly connects: readonly { readonly pattern: string; readonly handler: PresenceHandler }[]
  readonly disconnects: readonly { readonly pattern: string; readonly handler: PresenceHandler }[]
  readonly resources: readonly Resource[]
}

export interface HandlerClients {
  readonly messages: MessageClient
  /** Called when a state machine of the worker made a transition. */
  changed(change: Transition<string>): void
}

const text = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw invalidInput(what, 'it must be a text')
  return value
}
const integer = (value: number, what: string, max: number): number => {
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw invalidInput(what, `it must be a whole number from 1 to ${max}, not ${show(value)}`)
  return value
}

/** `*`, `topic`, `topic:role` or `*:role`. */
function peers(pattern: string, handler: unknown): string {
  if (text(pattern, 'pattern') === '') throw invalidInput('pattern', 'it is empty; write * for every agent')
  checkFunction(`The handler of ${pattern}`, handler)
  return pattern
}

function checkRegistration(type: Pick<MessageType, 'name'>, handler: unknown): void {
  checkMessageType(type)
  checkFunction(`The handler of ${type.name}`, handler)
}

/** Binding may throw for a proxy. */
const bound = <This, Fn extends (this: This, ...parameters: never[]) => unknown>(handler: Fn, self: This): Fn =>
  readable('A handler of a Worker', () => handler.bind(self) as Fn)

/**
 * An agent that handles messages. A subclass registers its handlers; `user.start(worker)` starts it.
 * @throws ValidationError for a name or option that is not allowed
 * @example
 * class Stock extends Worker {
 *   left = 5
 *   constructor() { super('Stock'); this.on(PlaceOrder, this.place) }
 *   place({ payload }: Message<{ n: number }>) { this.left -= payload.n; return { left: this.left } }
 * }
 */
export class Worker {
  /** The name of the worker, which is the name of its mailbox. */
  readonly name: string
  /** The options with which it was created. */
  readonly options: WorkerOptions
  readonly #handlers = new Map<string, { type: MessageType; handler: Handler }>()
  readonly #batches = new Map<string, RegisteredBatch>()
  readonly #connects: { pattern: string; handler: PresenceHandler }[] = []
  readonly #disconnects: { pattern: string; handler: PresenceHandler }[] = []
  readonly #resources: Resource[] = []
  #clients: HandlerClients | undefined
  #begun = false

  constructor(name: string, options: WorkerOptions = {}) {
    checkOptions('Worker', options, ['role', 'topics', 'access', 'concurrency', 'retry'])
    checkOptions('Worker.access', options.access === undefined ? {} : options.access, ['role', 'allow', 'deny'])
    checkGrants(options.access ?? {})
    checkOptions('Worker.retry', options.retry === undefined ? {} : options.retry, [
      'attempts',
      'backoff',
      'maxBackoff',
    ])
    this.name = checkAgentName(name)
    const { role = 'worker', topics = [], concurrency = 1, retry = {} } = options
    text(role, 'role')
    if (!isList(topics)) throw invalidInput('topics', 'it must be a list of texts')
    for (const topic of topics) text(topic, 'topics')
    integer(concurrency, 'concurrency', 1_000)
    if (retry.attempts !== undefined) integer(retry.attempts, 'retry.attempts', 1_000)
    if (retry.backoff !== undefined) milliseconds(retry.backoff, 'retry.backoff')
    if (retry.maxBackoff !== undefined) milliseconds(retry.maxBackoff, 'retry.maxBackoff')
    this.options = options
  }

  /**
   * Registers the handler of a message type, and of the types that extend it and have no nearer handler. The returned
   * value is the reply. A later registration of the type replaces this one.
   * @throws ValidationError after the start
   */
  on<P, R, const Returned extends HandledReply<R>>(
    type: MessageType<P, R>,
    handler: (this: this, message: Message<P>, ctx: HandlerContext) => Returned | Promise<Returned>,
  ): this {
    this.#register('on')
    checkRegistration(type, handler)
    this.#batches.delete(type.name)
    this.#handlers.set(type.name, { type, handler: bound(handler, this) as Handler })
    return this
  }
  /**
   * Registers a handler of batches: up to `size` messages, gathered for `wait`. They are acknowledged together.
   * @throws ValidationError after the start
   */
  onBatch<P>(
    type: MessageType<P>,
    options: BatchOptions,
    handler: (this: this, messages: readonly Message<P>[], ctx: HandlerContext) => unknown,
  ): this {
    this.#register('onBatch')
    checkOptions('onBatch', options, ['size', 'wait'])
    checkRegistration(type, handler)
    const size = integer(options.size, 'size', 1_000)
    const waitMs = milliseconds(options.wait, 'wait')
    this.#handlers.delete(type.name)
    this.#batches.set(type.name, { type, size, waitMs, handler: bound(handler, this) as BatchHandler })
    return this
  }
  /**
   * Registers a function that is called for each agent of the user that connects or is present: `*`, `topic`,
   * `topic:role` or `*:role`.
   */
  onConnect(pattern: string, handler: (this: this, detail: AgentDetail) => unknown): this {
    this.#register('onConnect')
    this.#connects.push({ pattern: peers(pattern, handler), handler: bound(handler, this) })
    return this
  }
  /**
   * Registers a function that is called when the last worker of a name disconnects. The patterns are those of
   * `onConnect`.
   */
  onDisconnect(pattern: string, handler: (this: this, detail: AgentDetail) => unknown): this {
    this.#register('onDisconnect')
    this.#disconnects.push({ pattern: peers(pattern, handler), handler: bound(handler, this) })
    return this
  }

  /**
   * Registers a resource. Resources are started before the worker, in the order of the calls, and stopped after it in
   * the reverse order, also if the start fails.
   * @example readonly pool = this.use({ connections: [], start() {}, stop() {} })
   */
  use<Used extends Resource>(resource: Used): Used {
    this.#register('use', this.#clients !== undefined)
    this.#resources.push(checkResource(resource))
    return resource
  }
  /**
   * Creates a state machine of this worker, whose transitions are emitted as the event `worker.changed`.
   * @example readonly work = this.machine({ initial: 'idle', transitions: { idle: ['busy'], busy: ['idle'] } })
   */
  machine<State extends string>(options: StateMachineOptions<State>): StateMachine<State> {
    const machine = new StateMachine(options)
    machine.on('change', (change) => this.#clients?.changed(change))
    return machine
  }

  /** Handles messages without another handler. Without it such a message becomes a dead letter. */
  onMessage(_message: Message<unknown>, _ctx: HandlerContext): unknown {
    return undefined
  }
  /**
   * Called before the worker receives messages; it may still register handlers. If it throws, `start` rejects with its
   * error.
   */
  onStart(): unknown {
    return undefined
  }
  /** Called when the worker stops, after the handlers in progress have ended. */
  onStop(): unknown {
    return undefined
  }
  /**
   * Called at each failure of a handler. For a handler of presence there is no message and no attempt. It does not
   * change whether the message is retried.
   */
  onFailure(_error: unknown, _message?: Message<unknown>, _details?: FailureDetails): unknown {
    return undefined
  }
  /**
   * Called once for a message that failed for the last time, after it became a dead letter. An error that it throws is
   * reported as `worker.failed`. If a process dies at the last attempt, another process moves the message and this
   * function is not called; the event `message.dead-lettered` reports both cases.
   * @param error the error of the last attempt
   */
  onDeadLetter(_error: unknown, _message: Message<unknown>): unknown {
    return undefined
  }
  /**
   * Returns whether messages and presence of an agent are accepted; a rejection is recorded as an incident. For 24 h
   * after a worker has left, its detail is the one that it announced. For an agent that is not a worker, only the name
   * is known.
   */
  authorizePeer(_detail: AgentDetail): boolean | Promise<boolean> {
    return true
  }

  /**
   * Sends a message outside a handler; it is durable when the call resolves. In a handler use `ctx.messages`.
   * @throws ValidationError before the start
   */
  async send<P>(type: MessageType<P>, payload: P, options: SendOptions) {
    return this.#started().messages.send(type, payload, options)
  }
  /**
   * Sends to several recipients outside a handler, as `MessageClient.broadcast`.
   * @throws ValidationError before the start
   */
  async broadcast<P>(type: MessageType<P>, payload: P, options?: BroadcastOptions) {
    return this.#started().messages.broadcast(type, payload, options)
  }
  /**
   * Sends to the subscribers of a topic outside a handler, as `MessageClient.publish`.
   * @throws ValidationError before the start
   */
  async publish<P>(type: MessageType<P>, payload: P, options: PublishOptions) {
    return this.#started().messages.publish(type, payload, options)
  }

  /** @throws ConflictError `worker.started` */
  [attach](clients: HandlerClients): Registrations {
    if (this.#clients) throw failure('worker.started', { worker: this.name })
    this.#clients = clients
    return {
      handlers: this.#handlers,
      batches: this.#batches,
      connects: this.#connects,
      disconnects: this.#disconnects,
      resources: this.#resources,
    }
  }
  [detach](): void {
    this.#clients = undefined
    this.#begun = false
  }
  /** From here on registrations are rejected, since they would have no effect. `onStart` may still register. */
  [begin](): void {
    this.#begun = true
  }
  #register(what: string, over = this.#begun): void {
    if (over) throw invalidInput(`${what} of ${this.name}`, 'it must come before the start')
  }
  #started(): HandlerClients {
    if (!this.#clients)
      throw invalidInput(
        `Sending as ${this.name}`,
        'the worker is not started; start it first, or send with user.agent(name).messages',
      )
    return this.#clients
  }
}
