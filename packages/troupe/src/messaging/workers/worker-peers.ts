/** The peers of a worker: which ones it accepts, and its hooks when they connect and disconnect. */
import type { Incidents } from '../../security/index.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { releaseDeliveries } from '../receiving/release-deliveries.ts'
import type { OwnCode } from './own-code.ts'
import { type AgentDetail, matchesPresence, type Presence } from './presence.ts'
import { type Registrations, Worker } from './worker.ts'
import type { WorkerFailures } from './worker-failures.ts'

export interface WorkerPeersParts {
  readonly user: string
  readonly worker: Worker
  readonly presence: Pick<Presence, 'watch' | 'last'>
  readonly incidents: Pick<Incidents, 'record'>
  readonly failures: Pick<WorkerFailures, 'report' | 'contain' | 'deadLetter'>
  readonly ownCode: OwnCode
}

type Hooks = Registrations['connects']

/** The delay in ms after a failed lookup of a sender. */
const pauseMs = 1_000

export class WorkerPeers {
  readonly #parts: WorkerPeersParts
  readonly #present = new Map<string, AgentDetail>()
  /** Peers whose connection was passed to the hooks, by session. */
  readonly #connected = new Set<string>()
  #hooks: Promise<unknown> = Promise.resolve()
  #unwatch: (() => void) | undefined

  constructor(parts: WorkerPeersParts) {
    this.#parts = parts
  }

  /** Watches the peers of the user, if the worker has hooks for them or accepts only some. */
  async watch({ connects, disconnects }: Pick<Registrations, 'connects' | 'disconnects'>): Promise<void> {
    const { user, worker, presence } = this.#parts
    if (connects.length + disconnects.length === 0 && !this.#guards) return
    this.#unwatch = await presence.watch(user, {
      self: worker.name,
      connected: (peer) => this.#connect(peer, connects),
      disconnected: (peer) => this.#disconnect(peer, disconnects),
    })
  }
  unwatch(): void {
    this.#unwatch?.()
  }
  /** Resolves when all hooks have ended. */
  async idle(): Promise<void> {
    await this.#hooks
  }

  /** @returns the deliveries whose sender the worker accepts; the others go to the dead letters */
  async accepted(deliveries: readonly DeliveryHandle[]): Promise<readonly DeliveryHandle[]> {
    if (!this.#guards) return deliveries
    const accepted: DeliveryHandle[] = []
    const { worker, failures } = this.#parts
    try {
      // From the last to the first, because a dead letter ends the lease of the messages after it.
      for (const delivery of deliveries.toReversed()) {
        const { from } = delivery.message
        if (await this.#accepts(await this.#find(from))) accepted.unshift(delivery)
        else await failures.deadLetter(delivery, `${worker.name} does not accept messages of ${from}`)
      }
      return accepted
    } catch (error) {
      // A failed lookup of senders is no reason to reject messages.
      failures.report(error, deliveries[0])
      await releaseDeliveries(deliveries, pauseMs)
      return []
    }
  }

  get #guards(): boolean {
    return this.#parts.worker.authorizePeer !== Worker.prototype.authorizePeer
  }

  /** A peer that connected in another process is not known yet, and one that left is known no more. */
  async #find(name: string): Promise<AgentDetail> {
    const { presence, user } = this.#parts
    const known = this.#present.get(name) ?? (await presence.last(user, name))
    return known ?? { id: name, name, role: '', topics: [], processId: '' }
  }
  async #accepts(detail: AgentDetail): Promise<boolean> {
    const { user, worker, incidents, failures, ownCode } = this.#parts
    let accepted = false
    await failures.contain(async () => {
      accepted = (await ownCode.run(async () => worker.authorizePeer(detail))) === true
    })
    if (!accepted) incidents.record(user, { agent: detail.name, action: 'authorize_peer', code: 'access.denied' })
    return accepted
  }

  #connect(peer: AgentDetail, hooks: Hooks): void {
    this.#present.set(peer.name, peer)
    this.#enqueue(async () => {
      if (this.#guards && !(await this.#accepts(peer))) return
      this.#connected.add(peer.id)
      await this.#callHooks(hooks, peer)
    })
  }
  #disconnect(peer: AgentDetail, hooks: Hooks): void {
    this.#present.delete(peer.name)
    this.#enqueue(async () => {
      if (this.#connected.delete(peer.id)) await this.#callHooks(hooks, peer)
    })
  }
  /** Calls the hooks one after the other, in the order in which peers connected and disconnected. */
  #enqueue(run: () => Promise<void>): void {
    this.#hooks = this.#hooks.then(() => this.#parts.failures.contain(run))
  }
  async #callHooks(hooks: Hooks, peer: AgentDetail): Promise<void> {
    const { failures, ownCode } = this.#parts
    for (const { pattern, handler } of hooks)
      if (matchesPresence(pattern, peer)) await failures.contain(() => ownCode.run(async () => handler(peer)))
  }
}
