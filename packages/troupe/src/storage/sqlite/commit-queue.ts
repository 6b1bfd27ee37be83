/**
 * Changes on their way to the writer. Where it is apart they leave in small batches as they come, so that it executes the
 * first while the next are prepared, and commits what has come by then at once; else those that come while a batch is
 * executed go together in the next one. Keeps the state that failures lead to: refused until a probe has written, then
 * open again by itself.
 *
 * Invariant: every change accepted is answered exactly once, in order; no probe while a batch is on its way, and no batch
 * while a failure is unsettled.
 */
import { type Cancel, type Clock, failure, nextMacrotask, TroupeError } from '../../core/index.ts'
import { checkChange } from '../changes/check-change.ts'
import type { ChangeObservers } from '../notifications/change-observers.ts'
import type { Hints } from '../notifications/hints.ts'
import { Listeners } from '../notifications/listeners.ts'
import type { Change, CommitResult, StorageState } from '../storage-port.ts'
import type { Cell, ReplyCell, WriterFailure, WriterProblem, WriterShell } from '../writer-port.ts'
import { commitLarge, isLarge } from './commit-large.ts'
import { decodeResult, Invalid } from './writer/decode-result.ts'
import { Encoder } from './writer/encoder.ts'

export interface CommitQueueOptions {
  readonly shell: WriterShell
  readonly clock: Clock
  readonly hints: Hints
  readonly observers: ChangeObservers
  /** The path, for messages. */
  readonly location: string
  /** Before changes are settled: from then on every read must see them, or none. */
  readonly answering: () => void
}

interface Waiting {
  readonly change: Change
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: TroupeError) => void
}

/** Changes that may wait; more are refused, for whoever makes them is faster than the disk. */
const maxWaiting = 65_536
/** A batch is closed at so many changes or cells; so many are on their way at once. */
const batchLimits = {
  here: { changes: 1_024, cells: 131_072, batches: 1 },
  /** Small, for the first is executed while the next is made; more would wait there as they do here. */
  threaded: { changes: 16, cells: 8_192, batches: 64 },
}
/** In memory all goes in microtasks: after so many changes timers and sockets get their turn. */
const yieldAfter = 256
/** Between probes, ms: doubled from the first to the last. */
const probeAfter = { first: 100, last: 10_000 }

export class CommitQueue {
  readonly #options: CommitQueueOptions
  readonly #encoder = new Encoder()
  readonly #listeners = new Listeners<StorageState>()
  #waiting: Waiting[] = []
  /** Refused, but what a failure left of them may be seen until a probe has written. */
  #doubtful: readonly Waiting[] = []
  #state: StorageState = { state: 'open' }
  #problem: { readonly kind: WriterProblem; readonly message: string } | undefined
  /** Batches that are not answered. */
  #inFlight = 0
  /** No batch leaves: for a probe, a vacuum, or the turn of others. */
  #suspended = false
  #scheduled = false
  #sinceYield = 0
  /** Of the last batch that failed, while not all that were on their way with it are answered. */
  #failure: WriterFailure | undefined
  #whenIdle: (() => void)[] = []
  /** Of the transaction that is open between two macrotasks. */
  #sliced: Promise<void> | undefined
  #time = { at: 0, monotonic: 0 }
  #cancelProbe: Cancel | undefined

  constructor(options: CommitQueueOptions) {
    this.#options = options
  }

  get state(): StorageState {
    return this.#state
  }

  /** Until then a read on the writer's connection would see half of a change. */
  get sliced(): Promise<void> | undefined {
    return this.#options.shell.threaded ? undefined : this.#sliced
  }

  onState(listener: (state: StorageState) => void): () => void {
    return this.#listeners.on(listener)
  }

  commit(change: Change): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.#check(change)
      this.#waiting.push({ change, resolve, reject })
      if (this.#options.shell.threaded && this.#waiting.length >= this.#limits.changes) this.#send()
      else if (!this.#scheduled) {
        // A microtask later, so that changes made in one go share a batch.
        this.#scheduled = true
        queueMicrotask(() => {
          this.#scheduled = false
          this.#send()
        })
      }
    })
  }

  /** Refuses what comes from now on, and resolves when all that was accepted is answered. */
  async close(): Promise<void> {
    if (this.#state.state === 'closed') return
    this.#setState({ state: 'closed' })
    this.#cancelProbe?.()
    if (!this.#idle) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    await this.#options.shell.close()
    this.#listeners.clear()
  }

  /** ms since 1970: the wall's time; where that went back, its last reading and what has passed since. */
  now(): number {
    const [wall, monotonic] = [Math.floor(this.#options.clock.now()), this.#options.clock.monotonic()]
    const at = wall >= this.#time.at ? wall : this.#time.at + Math.floor(monotonic - this.#time.monotonic)
    if (at !== this.#time.at) this.#time = { at, monotonic }
    return at
  }

  /** Runs between batches; a failure of it is nobody's. */
  async vacuum(pages: number): Promise<void> {
    if (!this.#idle || this.#state.state !== 'open') return
    this.#suspended = true
    await this.#options.shell.send({ kind: 'vacuum', pages })
    this.#suspended = false
    this.#next()
  }

  get #limits() {
    return this.#options.shell.threaded ? batchLimits.threaded : batchLimits.here
  }

  get #idle(): boolean {
    return this.#inFlight === 0 && !this.#suspended && this.#waiting.length === 0
  }

  #check(change: Change): void {
    if (this.#state.state === 'closed') throw failure('troupe.closed', { what: 'A change' })
    if (this.#problem && this.#state.state !== 'open') throw this.#rejection(this.#problem.kind, this.#problem.message)
    if (this.#waiting.length >= maxWaiting) throw failure('storage.busy', { limit: maxWaiting })
    // A large one is checked slice by slice.
    if (!isLarge(change)) checkChange(change)
  }

  #send(): void {
    for (let first = this.#waiting[0]; first && this.#canSend; first = this.#waiting[0]) {
      if (!isLarge(first.change)) void this.#sendOne()
      else if (this.#inFlight > 0) return
      else {
        this.#waiting.shift()
        this.#sliced = this.#sendSlices(first)
      }
    }
  }

  get #canSend(): boolean {
    return !this.#suspended && this.#inFlight < this.#limits.batches
  }

  async #sendSlices(waiting: Waiting): Promise<void> {
    const { shell, clock, observers } = this.#options
    this.#suspended = true
    this.#inFlight++
    observers.begin([waiting])
    const result = await commitLarge(waiting.change, { shell, clock, encoder: this.#encoder, at: this.now() })
    this.#inFlight--
    this.#suspended = false
    this.#sliced = undefined
    if ('problem' in result) this.#reject([waiting], result)
    else {
      this.#endChanges([waiting])
      this.#resolve(waiting, result)
      this.#options.hints.flush()
    }
    if (this.#failure) await this.#recover(this.#failure)
    this.#next()
  }

  async #sendOne(): Promise<void> {
    const { group, cells } = this.#nextBatch()
    const at = this.now()
    this.#options.observers.begin(group)
    this.#inFlight++
    const reply = await this.#options.shell.send({ kind: 'batch', at, changes: group.length, cells })
    this.#inFlight--
    if (reply.ok) this.#answer(group, reply.cells)
    else this.#reject(group, reply)
    if (this.#failure && this.#inFlight === 0) await this.#recover(this.#failure)
    else if (reply.ok && !this.#options.shell.threaded) await this.#cedeTurns(group.length)
    this.#next()
  }

  async #cedeTurns(changes: number): Promise<void> {
    this.#sinceYield += changes
    if (this.#sinceYield < yieldAfter) return
    this.#sinceYield = 0
    this.#suspended = true
    await nextMacrotask(this.#options.clock)
    this.#suspended = false
  }

  #next(): void {
    this.#send()
    if (this.#idle) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #nextBatch(): { group: readonly Waiting[]; cells: readonly Cell[] } {
    const cells: Cell[] = []
    const limits = this.#limits
    let count = 0
    while (count < this.#waiting.length && count < limits.changes && cells.length < limits.cells) {
      const { change } = this.#waiting[count] as Waiting
      if (isLarge(change)) break
      this.#encoder.encode(change, cells)
      count++
    }
    const group = this.#waiting.slice(0, count)
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count)
    return { group, cells }
  }

  #answer(group: readonly Waiting[], cells: readonly ReplyCell[]): void {
    this.#endChanges(group)
    const cursor = { cells, next: 0 }
    for (const waiting of group) this.#resolve(waiting, decodeResult(cursor, waiting.change))
    this.#options.hints.flush()
  }

  #resolve({ change, resolve, reject }: Waiting, result: CommitResult | Invalid | TroupeError): void {
    if (result instanceof TroupeError) reject(result)
    else if (result instanceof Invalid)
      reject(failure('invariant.broken', { rule: `statements are valid (${result.message})` }))
    else {
      this.#options.hints.record(change, result)
      resolve(result)
    }
  }

  /** What is on its way behind it is refused too. */
  #reject(group: readonly Waiting[], failure: WriterFailure): void {
    for (const { reject } of group) reject(this.#rejection(failure.problem, failure.message))
    this.#doubtful = [...this.#doubtful, ...group]
    this.#failure = failure
    this.#suspended = true
  }

  async #recover({ problem, message }: WriterFailure): Promise<void> {
    this.#encoder.forget()
    this.#failure = undefined
    // A full disk is not full for a moment only; after other failures the first probe is tried at once.
    if (problem === 'full' || problem === 'dead') this.#degrade(problem, message)
    else {
      const reply = await this.#options.shell.send({ kind: 'probe' })
      if (!reply.ok) this.#degrade(reply.problem, reply.message)
      else this.#probed()
    }
    this.#suspended = false
  }

  #probed(): void {
    const doubtful = this.#doubtful
    this.#doubtful = []
    this.#endChanges(doubtful)
  }

  #endChanges(group: readonly Waiting[]): void {
    this.#options.answering()
    this.#options.observers.endChanges(group)
  }

  #degrade(kind: WriterProblem, message: string, after = probeAfter.first): void {
    this.#problem = { kind, message }
    for (const { reject } of this.#waiting.splice(0)) reject(this.#rejection(kind, message))
    if (this.#state.state === 'closed') return
    this.#setState({ state: kind === 'full' ? 'full' : 'failed', problem: this.#rejection(kind, message).message })
    if (kind === 'dead') return
    this.#cancelProbe = this.#options.clock.after(after, () => void this.#probe(after), { background: true })
  }

  async #probe(after: number): Promise<void> {
    this.#suspended = true
    const reply = await this.#options.shell.send({ kind: 'probe' })
    if (!reply.ok) this.#degrade(reply.problem, reply.message, Math.min(after * 2, probeAfter.last))
    else if (this.#state.state !== 'closed') {
      this.#problem = undefined
      this.#probed()
      this.#setState({ state: 'open' })
    }
    this.#suspended = false
    this.#next()
  }

  #rejection(kind: WriterProblem, message: string): TroupeError {
    const path = this.#options.location
    if (kind === 'full') return failure('storage.full', { path })
    if (kind === 'corrupt') return failure('storage.corrupt', { path, problem: message })
    if (kind === 'read_only') return failure('storage.read_only', { path, problem: message })
    return failure('storage.io', { path, problem: message })
  }

  #setState(state: StorageState): void {
    if (this.#state.state === state.state && this.#state.problem === state.problem) return
    this.#state = state
    this.#listeners.notify(state)
  }
}
