/** `Worker`: an agent that handles messages. A subclass registers its handlers; `ada.start(worker)` runs it. */

import { type ContextClient, checkAgentName } from '../../context/index.ts'
import { checkOptions, type Duration, failure, isList, milliseconds, readable, show } from '../../core/index.ts'
import type { EffectSpec, OutsideFunction } from '../../journal/index.ts'
import type { UserMetrics } from '../../observability/index.ts'
import { type AccessOptions, checkGrants } from '../../security/index.ts'
import type { Mailbox } from '../mailbox.ts'
import type { Message } from '../message.ts'
import type { BroadcastOptions, MessageClient, PublishOptions, RequestOptions, SendOptions } from '../message-client.ts'
import { checkMessageType, type MessageType } from '../message-type.ts'
import type { AgentDetail } from './presence.ts'
import { StateMachine, type StateMachineOptions } from './state-machine.ts'
import type { Transition } from './transition-table.ts'
import { checkResource, type Resource } from './worker-resources.ts'

/** Members for `startWorker` only: no entry exports these names, so an application cannot call them. */
export const attach: unique symbol = Symbol('attach')
export const begin: unique symbol = Symbol('begin')
export const detach: unique symbol = Symbol('detach')

export interface WorkerOptions {
  /** The role that presence announces, any text; `worker` by default. Rights are set by `access`. */
  readonly role?: string
  readonly topics?: readonly string[]
  readonly access?: AccessOptions
  /** The number of messages that are handled concurrently, never two of one lane; 1 by default. */
  readonly concurrency?: number
  readonly retry?: {
    /** The number of attempts before a message becomes a dead letter. At most, and by default, that of the mailboxes. */
    readonly attempts?: number
    /** The pause before the second attempt. It doubles for each further attempt up to `maxBackoff`; 100 ms and 30 s by default. */
    readonly backoff?: Duration
    readonly maxBackoff?: Duration
  }
}

/** The clients of a handler. Their writes commit together with the acknowledgement, or not at all. */
export interface HandlerContext {
  readonly agent: string
  /** The number of the delivery with which this attempt began. It is the same if the handler is executed again after a crash. */
  readonly attempt: number
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal
  readonly context: ContextClient
  readonly messages: MessageClient
  /** Metrics of the application, stored by the minute, for all agents of the user. */
  readonly metrics: UserMetrics
  /** The id of the run of this step; a handler has none. */
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
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
  commit(): Promise<void>
  /** ms since 1970, recorded. */
  now(): number
  /** In [0, 1), recorded. */
  random(): number
}

export type Handler<P = unknown> = (message: Message<P>, ctx: HandlerContext) => unknown
export type BatchHandler<P = unknown> = (messages: readonly Message<P>[], ctx: HandlerContext) => unknown
export type PresenceHandler = (detail: AgentDetail) => unknown

export interface FailureDetails {
  /** The attempt, counted from 1; absent if no message was handled. */
  readonly attempt?: number
}

export interface BatchOptions {
  /** 1 to 1,000. */
  readonly size: number
  /** How long the first message waits for others. */
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
  readonly mailbox: Mailbox
  /** One of its state machines made a transition. */
  changed(change: Transition<string>): void
}

const text = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw failure('validation.failed', { what, problem: 'it is a text' })
  return value
}
const integer = (value: number, what: string, max: number): number => {
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw failure('validation.failed', {
      what,
      problem: `it must be a whole number from 1 to ${max}, not ${show(value)}`,
    })
  return value
}

/** `*`, `topic`, `topic:role` or `*:role`. */
function peers(pattern: string, handler: unknown): string {
  if (text(pattern, 'pattern') === '')
    throw failure('validation.failed', { what: 'pattern', problem: 'it is empty; write * for every agent' })
  if (typeof handler !== 'function')
    throw failure('validation.failed', { what: `The handler of ${pattern}`, problem: 'it is a function' })
  return pattern
}

function checkRegistration(type: Pick<MessageType, 'name'>, handler: unknown): void {
  checkMessageType(type)
  if (typeof handler !== 'function')
    throw failure('validation.failed', { what: `The handler of ${type.name}`, problem: 'it is a function' })
}

/** A proxy may refuse to be bound. */
const bound = <This, Fn extends (this: This, ...parameters: never[]) => unknown>(handler: Fn, self: This): Fn =>
  readable('A handler of a Worker', () => handler.bind(self) as Fn)

/**
 * @throws ValidationError for a name or option that is not allowed
 * @example
 * class Stock extends Worker {
 *   left = 5
 *   constructor() { super('Stock'); this.on(PlaceOrder, this.place) }
 *   place({ payload }: Message<{ n: number }>) { this.left -= payload.n; return { left: this.left } }
 * }
 */
export class Worker {
  readonly name: string
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
    if (!isList(topics)) throw failure('validation.failed', { what: 'topics', problem: 'it is a list of texts' })
    for (const topic of topics) text(topic, 'topics')
    integer(concurrency, 'concurrency', 1_000)
    if (retry.attempts !== undefined) integer(retry.attempts, 'retry.attempts', 1_000)
    if (retry.backoff !== undefined) milliseconds(retry.backoff, 'retry.backoff')
    if (retry.maxBackoff !== undefined) milliseconds(retry.maxBackoff, 'retry.maxBackoff')
    this.options = options
  }

  /**
   * What it does with messages of a type, and of those that extend it where no handler of a nearer type is; what it
   * returns is the reply. The last registration of a type holds.
   */
  on<P>(type: MessageType<P>, handler: (this: this, message: Message<P>, ctx: HandlerContext) => unknown): this {
    this.#register('on')
    checkRegistration(type, handler)
    this.#batches.delete(type.name)
    this.#handlers.set(type.name, { type, handler: bound(handler, this) as Handler })
    return this
  }
  /** Registers a handler of batches: up to `size` messages, gathered for `wait`. They are acknowledged together. */
  onBatch<P>(
    type: MessageType<P>,
    options: BatchOptions,
    handler: (this: this, messages: readonly Message<P>[], ctx: HandlerContext) => unknown,
  ): this {
    this.#register('onBatch')
    checkOptions('onBatch', options, ['size', 'wait'])
    checkRegistration(type, handler)
    const size = integer(options.size, 'size', 1_000)
    this.#handlers.delete(type.name)
    const waitMs = milliseconds(options.wait, 'wait')
    this.#batches.set(type.name, { type, size, waitMs, handler: bound(handler, this) as BatchHandler })
    return this
  }
  /** Registers a function that is called for each agent of the user that connects or is present: `*`, `topic`, `topic:role` or `*:role`. */
  onConnect(pattern: string, handler: (this: this, detail: AgentDetail) => unknown): this {
    this.#register('onConnect')
    this.#connects.push({ pattern: peers(pattern, handler), handler: bound(handler, this) })
    return this
  }
  onDisconnect(pattern: string, handler: (this: this, detail: AgentDetail) => unknown): this {
    this.#register('onDisconnect')
    this.#disconnects.push({ pattern: peers(pattern, handler), handler: bound(handler, this) })
    return this
  }

  /**
   * Something that is started before the worker, in the order of the calls, and stopped after it in the reverse order:
   * also when it fails to start half-way.
   * @example readonly pool = this.use({ connections: [], start() {}, stop() {} })
   */
  use<Used extends Resource>(resource: Used): Used {
    this.#register('use', this.#clients !== undefined)
    this.#resources.push(checkResource(resource))
    return resource
  }
  /**
   * A state machine of this instance, whose transitions are told as the event `worker.changed`.
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
  onStart(): unknown {
    return undefined
  }
  onStop(): unknown {
    return undefined
  }
  /**
   * Called at each failure of a handler, and of a handler of presence, which has no message and no attempt. The message
   * is retried without it.
   */
  onFailure(_error: unknown, _message?: Message<unknown>, _details?: FailureDetails): unknown {
    return undefined
  }
  /**
   * Called once for a message that failed for the last time, after it was moved to the dead letters: the place to
   * compensate and to alert. What it throws is reported as `worker.failed`. A message whose process died at its last
   * attempt is moved by another process, which has no error of a handler: the event `message.dead-lettered` reports both.
   * @param error of the last attempt
   */
  onDeadLetter(_error: unknown, _message: Message<unknown>): unknown {
    return undefined
  }
  /**
   * Whether messages and presence of a peer are accepted; a refusal is recorded as an incident. A sender that has left is
   * told of for 24 h as it announced itself; of one that is no worker there is the name alone.
   */
  authorizePeer(_detail: AgentDetail): boolean | Promise<boolean> {
    return true
  }

  /** Sends outside a handler, each durable at once. In a handler use `ctx.messages`. */
  send<P>(type: MessageType<P>, payload: P, options: SendOptions) {
    return this.#started().messages.send(type, payload, options)
  }
  broadcast<P>(type: MessageType<P>, payload: P, options?: BroadcastOptions) {
    return this.#started().messages.broadcast(type, payload, options)
  }
  publish<P>(type: MessageType<P>, payload: P, options: PublishOptions) {
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
    if (over)
      throw failure('validation.failed', { what: `${what} of ${this.name}`, problem: 'it comes before the start' })
  }
  #started(): HandlerClients {
    if (!this.#clients)
      throw failure('validation.failed', { what: `Sending as ${this.name}`, problem: 'it is not started' })
    return this.#clients
  }
}
