/** All runs of a troupe in this process: who owns which, which are to be taken over, who waits for their results. */
import type { Agent } from '../../agents/index.ts'
import { failure, type Json, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../durable/index.ts'
import type { Fragment, Statement } from '../../storage/index.ts'
import { pending } from '../core/pending.ts'
import { ended, still } from './await-run.ts'
import { carriedOn, isOfStorage, isPassing } from './carried-on.ts'
import type { CommandOptions, Patience } from './command-options.ts'
import { foldRun } from './fold-run.ts'
import type { Forked, ForkSource } from './fork-run.ts'
import { giveCommand } from './give-command.ts'
import { keptRecords } from './kept-records.ts'
import { parentOf } from './parent.ts'
import type { LivePart, OrchestraParts } from './parts.ts'
import { recoverRuns } from './recover-runs.ts'
import { type Known, RunCode } from './run-code.ts'
import type { RunHost } from './run-host.ts'
import { ownerOf, runJournal } from './run-journals.ts'
import { createRunNotes, type RunNotes } from './run-notes.ts'
import { RunOffers } from './run-offers.ts'
import { RunOwner } from './run-owner.ts'
import { RunRest } from './run-rest.ts'
import { RunReturns } from './run-returns.ts'
import type { RunRow } from './run-store.ts'
import { createChildRuns } from './runs-below.ts'
import { Signals } from './signals.ts'
import { type NewRun, readStart, type StartSpec, startRun } from './start-run.ts'
import { StepLauncher } from './step-launcher.ts'
import type { Order } from './wire.ts'

/** With its length, for a name may hold any character. */
const keyOf = (user: UserId, run: string) => `${user.length} ${user}${run}`
/** Between looks at a run that another process carries on, where no note comes. */
const elsewhereMs = 1_000
export class OrchestraHost implements RunHost {
  readonly parts: OrchestraParts
  readonly #code: RunCode
  readonly #owners = new Map<string, Promise<RunOwner>>()
  readonly #launchers = new Map<string, StepLauncher>()
  readonly #signals = new Signals<void>()
  readonly #live = new Signals<LivePart>()
  readonly #notes: RunNotes
  readonly #offers: RunOffers
  readonly #returns: RunReturns
  readonly #rest: RunRest
  readonly #stopArrivals: () => void
  /** Users who are being forgotten. */
  readonly #forgetting = new Set<UserId>()
  /** How often this process was given up. What began before and was answered after may be another's. */
  #losses = 0
  #closed = false
  #draining = false

  /** @param make is handed what the host is told through: losses and live parts */
  constructor(make: (host: Pick<OrchestraParts, 'onLost' | 'live' | 'children'>) => OrchestraParts, known: Known) {
    this.parts = make({
      onLost: (user, run, taken) => this.#onLost(user, run, taken),
      live: (user, run, part) => {
        this.#live.emit(keyOf(user, run), part)
        this.#notes.live(user, run, part)
      },
      children: createChildRuns(this),
    })
    const { clock, random, inbox, storage } = this.parts
    this.#code = new RunCode(known)
    this.#offers = new RunOffers(clock, random, (user, run) => this.takeUp(user, run))
    this.#returns = new RunReturns(this, this.parts, (user, run) => this.#signals.emit(keyOf(user, run)))
    this.#rest = new RunRest({
      clock,
      letGo: (owner) => this.#letGo(owner),
      takeUpSoon: (user, run) => this.#offers.came(user, run),
    })
    this.#notes = createRunNotes(storage.notes, clock, {
      holds: (user, run) => this.#launchers.has(keyOf(user, run)),
      onMoved: (user, run) => this.#signals.emit(keyOf(user, run)),
      onLive: (user, run, part) => this.#live.emit(keyOf(user, run), part),
    })
    this.#stopArrivals = inbox.onArrival((user, journal) => void this.#onArrival(user, journal))
  }

  get isClosed(): boolean {
    return this.#closed
  }

  async start(user: UserId, spec: StartSpec, also?: readonly Statement[]): Promise<string> {
    return this.begin(user, readStart(this.parts, spec), also)
  }

  async begin(user: UserId, made: NewRun, also?: readonly Statement[]): Promise<string> {
    this.#refuse(user, true)
    const losses = this.#losses
    const { run, owner, events, launcher, agents } = await startRun(this.parts, user, made, also)
    if (owner && events && losses === this.#losses) {
      this.#adopt(owner, launcher)
      owner.begin(events)
    } else await this.#carryOnIfFree(user, run, agents)
    return run
  }

  /** A run that is over or not, with what it needs to be read and entered again. */
  async source(user: UserId, run: string): Promise<ForkSource> {
    this.#refuse(user)
    const row = await this.row(user, run)
    const records = await keptRecords(this.parts, user, row)
    const { pinned } = foldRun({ snapshot: undefined, records })
    return { run, records, pinned, agents: this.#code.of(keyOf(user, run), run, row.agents, pinned) }
  }

  /** @param make makes a run of another's journal, which is carried on here */
  async fork(user: UserId, from: string, make: (source: ForkSource) => Promise<Forked>): Promise<string> {
    this.#refuse(user, true)
    const losses = this.#losses
    const { run, owner, launcher, events, statements } = await make(await this.source(user, from))
    const change = { id: null, scope: { user }, statements, wake: ['runs', 'timers', 'steps'] } as const
    const result = await this.parts.storage.commit(change)
    if (!result.ok) throw failure(result.code, { run, ...result.detail })
    if (losses === this.#losses) {
      if (!owner.over) this.#adopt(owner, launcher)
      owner.begin(events)
    } else await this.#carryOnIfFree(user, run, launcher.agents)
    return run
  }

  /**
   * The owner of a run that is not over, taking it over where nobody here is.
   * @param given code that goes before what the troupe knows
   * @throws NotFoundError, `run.agents_missing`
   */
  own(user: UserId, run: string, given?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    this.#refuse(user)
    const key = keyOf(user, run)
    const known = this.#owners.get(key)
    if (known) return known
    if (this.#draining) return Promise.reject(failure('troupe.closed', { what: `Taking up run ${run}` }))
    const waiting = this.parts.gate?.waiting(`Carrying on run ${run}`)
    if (waiting) return Promise.reject(waiting)
    const taken = this.#takeOver(user, run, given)
    this.#owners.set(key, taken)
    taken.catch((error: unknown) => {
      this.#owners.delete(key)
      // Whether the storage made it this process' is not known: then nobody else would carry it on.
      if (isOfStorage(error)) this.#returns.lost(user, run)
    })
    return taken
  }

  /** Takes up a run that no living process holds, as the storage has it. */
  async claim(user: UserId, run: string): Promise<void> {
    const isHere = this.#launchers.has(keyOf(user, run))
    await this.own(user, run)
    if (!isHere) return
    // Begun under a name of this process that was given up meanwhile: nobody else has it, or its journal will say so.
    const { storage, store } = this.parts
    const result = await storage.commit({ id: null, scope: { user }, statements: [store.claim(user, run)] })
    if (!result.ok) throw failure(result.code, { ...result.detail })
  }

  /** This process was given up: whoever finds its runs takes them. */
  lost(): void {
    this.#losses++
    // Also of runs that the storage had failed a moment ago: nobody here is their owner, and their steps went on.
    void this.parts.steps.giveUpRuns()
    for (const [key, owned] of this.#owners) {
      // Not carried on yet, it may have been claimed under the new name, under which nobody here has it.
      const begun = this.#launchers.has(key)
      const dropped = owned.then(async (owner) => {
        void owner.close()
        await this.#drop(owner.user, owner.run, true)
        const statements = [this.parts.store.letGo(owner.user, owner.run)]
        if (!begun) await this.parts.storage.commit({ id: null, scope: { user: owner.user }, statements })
      })
      dropped.catch(() => {})
    }
  }

  /** Takes over what a process that ended left running, as far as the agents' code is known here. */
  recover(): Promise<void> {
    return recoverRuns(this)
  }

  async row(user: UserId, run: string): Promise<RunRow> {
    const row = await this.parts.store.get(user, run)
    if (!row) throw (await this.parts.forgotten?.(user)) ?? failure('run.unknown', { run })
    return row
  }

  still(user: UserId, run: string, signal?: AbortSignal): Promise<Json> {
    return still(this, user, run, signal)
  }
  ended(user: UserId, run: string, signal?: AbortSignal): Promise<void> {
    return ended(this, user, run, signal)
  }

  carriedOn(user: UserId, run: string, patience: Patience): Promise<void> {
    return carriedOn(this, user, run, patience)
  }

  /** Tells a run what to do, whichever process carries it on; resolves when it is durable that it does. */
  give(user: UserId, run: string, order: Order, options: CommandOptions = {}, also?: Fragment): Promise<void> {
    this.#refuse(user)
    return giveCommand(this, user, run, order, options, also)
  }

  /** Something was put into the run's inbox by this process: whoever holds it here need not wait to be told. */
  async arrived(user: UserId, run: string): Promise<void> {
    const owner = await this.#owners.get(keyOf(user, run))?.catch(() => undefined)
    owner?.arrived()
  }

  records(user: UserId, run: string, after: number, limit: number): Promise<readonly JournalRecord[]> {
    return this.parts.journals.read(user, runJournal(run), after, limit)
  }

  /** Resolves with the next events of the run, or the signal; rejects when the troupe closes. */
  nextEvents(user: UserId, run: string, signal?: AbortSignal, live = false) {
    const key = keyOf(user, run)
    const next = this.#signals.next(key, signal)
    if (!this.parts.storage.notes) return next
    if (!this.#launchers.has(key)) this.#notes.follow(user, run, live)
    const cancel = this.parts.clock.after(elsewhereMs, () => this.#signals.emit(key), { background: true })
    const stop = () => {
      cancel()
      next.stop()
    }
    return { promise: next.promise, stop }
  }

  liveOf(user: UserId, run: string, signal?: AbortSignal): AsyncIterable<LivePart> {
    const parts = this.#live.iterate(keyOf(user, run), signal)
    void this.#endLive(user, run, signal).catch(() => {})
    return parts
  }

  /** No run begins or is taken up, and no step of those that are here; what is under way goes on. */
  drain(): void {
    this.#draining = true
    for (const launcher of this.#launchers.values()) launcher.drain()
  }

  /** Stops taking in, waits for commits under way; `steps.close()` has stopped the steps before. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopArrivals()
    this.#notes.close()
    this.#rest.close()
    const owners = await Promise.allSettled(this.#owners.values())
    await Promise.all(owners.map((owner) => (owner.status === 'fulfilled' ? owner.value.close() : undefined)))
    const closed = failure('troupe.closed', { what: 'Waiting for a run' })
    this.#signals.close(closed)
    this.#live.close()
  }

  /** Nothing of the user's runs goes on here, and none begins until what is returned is called. */
  async forget(user: UserId): Promise<() => void> {
    this.#forgetting.add(user)
    const mine = [...this.#owners.keys()].filter((key) => key.startsWith(keyOf(user, '')))
    const owners = await Promise.allSettled(mine.map((key) => this.#owners.get(key)))
    await Promise.all(owners.map((owner) => (owner.status === 'fulfilled' ? owner.value?.close() : undefined)))
    this.#code.forget(keyOf(user, ''))
    for (const key of mine) {
      this.#launchers.get(key)?.abandon()
      this.#rest.moves(key)
      this.#owners.delete(key)
      this.#launchers.delete(key)
      this.#live.end(key)
      this.#signals.emit(key)
    }
    return () => {
      this.#forgetting.delete(user)
      // Whoever waits for one of these runs finds that it is gone.
      for (const key of mine) this.#signals.emit(key)
    }
  }

  async #takeOver(user: UserId, run: string, given?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    const key = keyOf(user, run)
    await this.#rest.gone(key)
    const row = await this.row(user, run)
    if (row.endedAt !== null) throw failure('run.over', { run, status: row.status })
    const { clock, journals, storage, store } = this.parts
    const held = await store.holderOf(user, run)
    if (held?.holder === 'elsewhere') throw failure('run.elsewhere', { run })
    if (held && held.form > journals.form)
      throw failure('journal.newer', { journal: runJournal(run), found: held.form, known: journals.form })
    // Looked at before it is taken over: who lacks the code must not take it from somebody who has it.
    const before = await journals.load(user, runJournal(run))
    if (!before) throw failure('run.unknown', { run })
    const agents = this.#code.of(key, run, row.agents, foldRun(before).pinned, given)
    const claim = [store.claim(user, run)]
    const { writer, content } = await journals.takeOver(user, runJournal(run), clock.now(), claim)
    const folded = foldRun(content)
    const launcher = new StepLauncher(this.parts, user, run, folded.pinned, agents)
    const owner = new RunOwner(this.parts, { user, run, writer, launcher, ...folded })
    this.#adopt(owner, launcher)
    owner.resume(pending(owner.state))
    if (storage.notes) this.#rest.stands(key, owner)
    return owner
  }

  #adopt(owner: RunOwner, launcher: StepLauncher): void {
    const key = keyOf(owner.user, owner.run)
    this.#owners.set(key, Promise.resolve(owner))
    this.#launchers.set(key, launcher)
    this.#code.remember(key, launcher.agents)
    if (this.#draining) launcher.drain()
    const above = parentOf(owner.pinned)?.above ?? []
    owner.observe(() => {
      for (const each of [owner.run, ...above]) {
        this.#signals.emit(keyOf(owner.user, each))
        this.#notes.moved(owner.user, each)
      }
      if (!owner.over) {
        if (this.parts.storage.notes) this.#rest.stands(key, owner)
        return
      }
      this.#live.end(key)
      this.#drop(owner.user, owner.run, false)
    })
  }

  #drop(user: UserId, run: string, stops: boolean): Promise<void> {
    const key = keyOf(user, run)
    const launcher = this.#launchers.get(key)
    this.#rest.moves(key)
    this.#owners.delete(key)
    this.#launchers.delete(key)
    if (stops && launcher) return launcher.giveUp()
    launcher?.leave()
    return Promise.resolve()
  }

  /** Somebody else owns it now, or the storage failed: looked at again after a while, from what is durable. */
  #onLost(user: UserId, run: string, taken: boolean): void {
    void this.#drop(user, run, taken)
    this.#returns.lost(user, run)
  }

  /** A run that is there already, whoever began it. */
  async #carryOnIfFree(user: UserId, run: string, agents: ReadonlyMap<string, Agent>): Promise<void> {
    if ((await this.row(user, run)).endedAt !== null) return
    await this.own(user, run, agents).catch((error: unknown) => {
      if (!isPassing(error)) throw error
    })
  }

  async #letGo(owner: RunOwner): Promise<boolean> {
    const { user, run } = owner
    const { storage, store, inbox } = this.parts
    const dropped = this.#drop(user, run, true)
    await owner.close()
    await dropped
    const statements = [inbox.empty(user, runJournal(run)), store.letGo(user, run)]
    return (await storage.commit({ id: null, scope: { user }, statements })).ok
  }

  async #onArrival(user: UserId, journal: string): Promise<void> {
    const at = ownerOf(journal)
    if (!at || this.#closed) return
    const key = keyOf(user, at.run)
    const owner = await this.#owners.get(key)?.catch(() => undefined)
    if (!owner) return this.parts.storage.notes ? this.#offers.came(user, at.run) : this.takeUp(user, at.run)
    if (at.step === undefined) return owner.arrived()
    const { step } = at
    if (this.#launchers.get(key)?.arrived(step))
      await owner.apply((time) => ({ at: time, type: 'step.resumed', step })).catch(() => {})
  }

  /** Carries it on here where nobody does and the code is known; else nothing. */
  async takeUp(user: UserId, run: string): Promise<void> {
    if (this.#closed) return
    await this.own(user, run).then(
      (owner) => owner.arrived(),
      () => {},
    )
  }

  async #endLive(user: UserId, run: string, signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted && !this.#closed) {
      const change = this.nextEvents(user, run, signal, true)
      try {
        if ((await this.row(user, run)).endedAt !== null) break
        await change.promise
      } finally {
        change.stop()
      }
    }
    this.#live.end(keyOf(user, run))
  }

  #refuse(user: UserId, isNew = false): void {
    if (this.#closed) throw failure('troupe.closed', { what: 'Using a run' })
    if (this.#draining && isNew) throw failure('troupe.draining', { what: 'Starting a run' })
    const waiting = isNew && this.parts.gate?.waiting('Starting a run')
    if (waiting) throw waiting
    if (this.#forgetting.has(user)) throw failure('user.forgotten', { user })
  }
}
