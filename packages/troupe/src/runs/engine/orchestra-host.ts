/** All runs of a troupe in this process: who owns which, which are to be taken over, who waits for their results. */
import type { Agent } from '../../agents/index.ts'
import { failure, type Json, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../journal/index.ts'
import type { Fragment, Statement } from '../../storage/index.ts'
import { pending } from '../machine/pending.ts'
import { awaitEnd, awaitResult } from './await-run.ts'
import { createChildRuns } from './children/child-runs.ts'
import { parentOf } from './children/parent.ts'
import type { CommandOptions, RetryWindow } from './commands/command-options.ts'
import type { Order } from './commands/run-message.ts'
import { submitCommand } from './commands/submit-command.ts'
import { foldRun } from './execution/fold-run.ts'
import type { RunOwner } from './execution/run-owner.ts'
import type { StepLauncher } from './execution/step-launcher.ts'
import type { ForkedSpec, ForkSource } from './forks/fork-run.ts'
import type { OrchestraParts, RunLivePart } from './orchestra-parts.ts'
import { ensureOwned, isOfStorage, isPassing } from './ownership/ensure-owned.ts'
import { IdleRunRelease } from './ownership/idle-run-release.ts'
import { LostRunRecovery } from './ownership/lost-run-recovery.ts'
import { recoverRuns } from './ownership/recover-runs.ts'
import { createRunBroadcast, type RunBroadcast } from './ownership/run-broadcast.ts'
import { RunWakeups } from './ownership/run-wakeups.ts'
import { SuspensionWatch } from './ownership/suspension-watch.ts'
import { takeOverRun } from './ownership/take-over-run.ts'
import { type Known, RunCode } from './run-code.ts'
import type { RunHost } from './run-host.ts'
import { Signals } from './signals.ts'
import { type NewRun, readStart, type StartSpec, startRun } from './start-run.ts'
import { readRetainedRecords } from './store/retained-records.ts'
import { journalOwnerOf, runJournal } from './store/run-journals.ts'
import type { RunRow } from './store/run-store.ts'
import { untilRunEnds } from './until-run-ends.ts'

/** With its length, for a name may hold any character. */
const keyOf = (user: UserId, run: string) => `${user.length} ${user}${run}`
/** Between looks at a run that another process carries on, where no note comes. */
const remoteRecheckMs = 1_000
export class OrchestraHost implements RunHost {
  readonly parts: OrchestraParts
  readonly #code: RunCode
  readonly #owners = new Map<string, Promise<RunOwner>>()
  readonly #launchers = new Map<string, StepLauncher>()
  readonly #signals = new Signals<void>()
  readonly #live = new Signals<RunLivePart>()
  readonly #broadcast: RunBroadcast
  readonly #wakeups: RunWakeups
  readonly #lostRuns: LostRunRecovery
  readonly #idleRelease: IdleRunRelease
  readonly #suspension: SuspensionWatch
  readonly #stopArrivals: () => void
  /** Users who are being forgotten. */
  readonly #erasing = new Set<UserId>()
  /** How often this process was given up. What began before and was answered after may be another's. */
  #losses = 0
  #closed = false
  #draining = false

  /** @param make is handed what the host is told through: losses and live parts */
  constructor(
    make: (host: Pick<OrchestraParts, 'onOwnershipLost' | 'live' | 'children' | 'suspendedMs'>) => OrchestraParts,
    known: Known,
  ) {
    this.parts = make({
      onOwnershipLost: (user, run, byTakeover) => this.#onOwnershipLost(user, run, byTakeover),
      live: (user, run, part) => {
        this.#live.emit(keyOf(user, run), part)
        this.#broadcast.live(user, run, part)
      },
      children: createChildRuns(this),
      suspendedMs: () => this.#suspension.totalMs,
    })
    const { clock, random, inbox, storage } = this.parts
    this.#suspension = new SuspensionWatch(clock, this.parts.leaseMs, () => void this.#arrivedEverywhere())
    this.#code = new RunCode(known)
    this.#wakeups = new RunWakeups(clock, random, (user, run) => this.claimRun(user, run))
    this.#lostRuns = new LostRunRecovery(this, this.parts, (user, run) => this.#signals.emit(keyOf(user, run)))
    this.#idleRelease = new IdleRunRelease({
      clock,
      release: (owner) => this.#release(owner),
      claimSoon: (user, run) => this.#wakeups.came(user, run),
    })
    this.#broadcast = createRunBroadcast(storage.broadcast, clock, {
      isOwner: (user, run) => this.#launchers.has(keyOf(user, run)),
      onChanged: (user, run) => this.#signals.emit(keyOf(user, run)),
      onLive: (user, run, part) => this.#live.emit(keyOf(user, run), part),
    })
    this.#stopArrivals = inbox.onArrival((user, journal) => void this.#onArrival(user, journal))
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** @param as the agent as which a caller from outside begins it */
  async start(user: UserId, spec: StartSpec, also?: readonly Statement[], as?: string): Promise<string> {
    return this.begin(user, readStart(this.parts, spec, as), also)
  }
  async begin(user: UserId, made: NewRun, also?: readonly Statement[]): Promise<string> {
    this.#requireOpen(user, true)
    const losses = this.#losses
    const { run, owner, events, launcher, agents } = await startRun(this.parts, user, made, also)
    if (owner && events && losses === this.#losses) {
      this.#registerRun(owner, launcher)
      owner.begin(events)
    } else await this.#ownUnlessEnded(user, run, agents)
    return run
  }

  /** A run that is over or not, with what it needs to be read and entered again. */
  async source(user: UserId, run: string): Promise<ForkSource> {
    this.#requireOpen(user)
    const row = await this.row(user, run)
    const records = await readRetainedRecords(this.parts, user, row)
    const { pinned } = foldRun({ snapshot: undefined, records })
    return { run, records, pinned, agents: this.#code.of(keyOf(user, run), run, row.agents, pinned) }
  }

  /** @param make makes a run of another's journal, which is carried on here */
  async fork(user: UserId, from: string, make: (source: ForkSource) => Promise<ForkedSpec>): Promise<string> {
    this.#requireOpen(user, true)
    const losses = this.#losses
    const { run, owner, launcher, events, statements } = await make(await this.source(user, from))
    const change = { id: null, scope: { user }, statements, wake: ['timers'] } as const
    const result = await this.parts.storage.commit(change)
    if (!result.ok) throw failure(result.code, { run, ...result.detail })
    if (losses === this.#losses) {
      if (!owner.over) this.#registerRun(owner, launcher)
      owner.begin(events)
    } else await this.#ownUnlessEnded(user, run, launcher.agents)
    return run
  }

  /**
   * The owner of a run that is not over, taking it over where nobody here is.
   * @param ownAgents code that goes before what the troupe knows
   * @throws NotFoundError, `run.agents_missing`
   */
  own(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    this.#requireOpen(user)
    const key = keyOf(user, run)
    const known = this.#owners.get(key)
    if (known) return known
    if (this.#draining) return Promise.reject(failure('troupe.closed', { what: `Taking up run ${run}` }))
    const waiting = this.parts.gate?.waiting(`Carrying on run ${run}`)
    if (waiting) return Promise.reject(waiting)
    const takeover = this.#takeOver(user, run, ownAgents)
    this.#owners.set(key, takeover)
    takeover.catch((error: unknown) => {
      this.#owners.delete(key)
      // Whether the storage made it this process' is not known: then nobody else would carry it on.
      if (isOfStorage(error)) this.#lostRuns.lost(user, run)
    })
    return takeover
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
  leaseLost(): void {
    this.#losses++
    // Also of runs that the storage had failed a moment ago: nobody here is their owner, and their steps went on.
    void this.parts.steps.releaseRuns()
    for (const [key, owned] of this.#owners) {
      // Not carried on yet, it may have been claimed under the new name, under which nobody here has it.
      const begun = this.#launchers.has(key)
      const dropped = owned.then(async (owner) => {
        void owner.close()
        await this.#drop(owner.user, owner.run, true)
        const statements = [this.parts.store.abandon(owner.user, owner.run)]
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
    if (!row) throw (await this.parts.erasureError?.(user)) ?? failure('run.unknown', { run })
    return row
  }

  awaitResult(user: UserId, run: string, signal?: AbortSignal): Promise<Json> {
    return awaitResult(this, user, run, signal)
  }
  awaitEnd(user: UserId, run: string, signal?: AbortSignal): Promise<void> {
    return awaitEnd(this, user, run, signal)
  }

  rememberCode(user: UserId, run: string, agents: ReadonlyMap<string, Agent>): void {
    this.#code.remember(keyOf(user, run), agents)
  }

  ensureOwned(user: UserId, run: string, retryWindow: RetryWindow): Promise<void> {
    return ensureOwned(this, user, run, retryWindow)
  }

  /** Tells a run what to do, whichever process carries it on; resolves when it is durable that it does. */
  submit(user: UserId, run: string, order: Order, options: CommandOptions = {}, also?: Fragment): Promise<void> {
    this.#requireOpen(user)
    return submitCommand(this, user, run, order, options, also)
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
    if (!this.parts.storage.broadcast) return next
    if (!this.#launchers.has(key)) this.#broadcast.follow(user, run, live)
    const cancel = this.parts.clock.after(remoteRecheckMs, () => this.#signals.emit(key), { background: true })
    const stop = () => {
      cancel()
      next.stop()
    }
    return { promise: next.promise, stop }
  }

  liveOf(user: UserId, run: string, signal?: AbortSignal): AsyncIterable<RunLivePart> {
    const parts = this.#live.iterate(keyOf(user, run), signal)
    void untilRunEnds(this, user, run, signal).then(
      () => this.#live.end(keyOf(user, run)),
      () => {},
    )
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
    this.#broadcast.close()
    this.#idleRelease.close()
    this.#suspension.stop()
    const owners = await Promise.allSettled(this.#owners.values())
    await Promise.all(owners.map((owner) => (owner.status === 'fulfilled' ? owner.value.close() : undefined)))
    const closed = failure('troupe.closed', { what: 'Waiting for a run' })
    this.#signals.close(closed)
    this.#live.close()
  }

  /** Nothing of the user's runs goes on here, and none begins until what is returned is called. */
  async forget(user: UserId): Promise<() => void> {
    this.#erasing.add(user)
    const mine = [...this.#owners.keys()].filter((key) => key.startsWith(keyOf(user, '')))
    const owners = await Promise.allSettled(mine.map((key) => this.#owners.get(key)))
    await Promise.all(owners.map((owner) => (owner.status === 'fulfilled' ? owner.value?.close() : undefined)))
    this.#code.forget(keyOf(user, ''))
    for (const key of mine) {
      this.#launchers.get(key)?.abandon()
      this.#idleRelease.moves(key)
      this.#suspension.update(key, false)
      this.#owners.delete(key)
      this.#launchers.delete(key)
      this.#live.end(key)
      this.#signals.emit(key)
    }
    return () => {
      this.#erasing.delete(user)
      // Whoever waits for one of these runs finds that it is gone.
      for (const key of mine) this.#signals.emit(key)
    }
  }

  async #takeOver(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    const key = keyOf(user, run)
    await this.#idleRelease.gone(key)
    const row = await this.row(user, run)
    const at = { user, row, processStartedAt: this.#suspension.startedAt }
    const { owner, launcher } = await takeOverRun(this.parts, at, (pinned) =>
      this.#code.of(key, run, row.agents, pinned, ownAgents),
    )
    this.#registerRun(owner, launcher)
    owner.resume(pending(owner.state), { restarted: true })
    this.#idleRelease.scheduleRelease(key, owner)
    return owner
  }

  #registerRun(owner: RunOwner, launcher: StepLauncher): void {
    const key = keyOf(owner.user, owner.run)
    this.#owners.set(key, Promise.resolve(owner))
    this.#launchers.set(key, launcher)
    this.#code.remember(key, launcher.agents)
    if (this.#draining) launcher.drain()
    this.#suspension.update(key, owner.works)
    const above = parentOf(owner.pinned)?.above ?? []
    owner.observe(() => {
      for (const each of [owner.run, ...above]) {
        this.#signals.emit(keyOf(owner.user, each))
        this.#broadcast.changed(owner.user, each)
      }
      this.#suspension.update(key, owner.works && !owner.lost)
      if (!owner.over) {
        this.#idleRelease.scheduleRelease(key, owner)
        return
      }
      this.#live.end(key)
      this.#drop(owner.user, owner.run, false)
    })
  }

  #drop(user: UserId, run: string, stops: boolean): Promise<void> {
    const key = keyOf(user, run)
    const launcher = this.#launchers.get(key)
    this.#idleRelease.moves(key)
    this.#suspension.update(key, false)
    this.#owners.delete(key)
    this.#launchers.delete(key)
    if (stops && launcher) return launcher.release()
    launcher?.leave()
    return Promise.resolve()
  }

  /** Somebody else owns it now, or the storage failed: looked at again after a while, from what is durable. */
  #onOwnershipLost(user: UserId, run: string, byTakeover: boolean): void {
    void this.#drop(user, run, byTakeover)
    this.#lostRuns.lost(user, run)
  }

  /** A run that is there already, whoever began it. */
  async #ownUnlessEnded(user: UserId, run: string, agents: ReadonlyMap<string, Agent>): Promise<void> {
    if ((await this.row(user, run)).endedAt !== null) return this.#code.remember(keyOf(user, run), agents)
    await this.own(user, run, agents).catch((error: unknown) => {
      if (!isPassing(error)) throw error
    })
  }

  async #release(owner: RunOwner): Promise<boolean> {
    const { user, run } = owner
    const { storage, store, inbox } = this.parts
    const dropped = this.#drop(user, run, true)
    await owner.close()
    await dropped
    const statements = [inbox.empty(user, runJournal(run)), store.release(user, run)]
    return (await storage.commit({ id: null, scope: { user }, statements })).ok
  }

  async #onArrival(user: UserId, journal: string): Promise<void> {
    const at = journalOwnerOf(journal)
    if (!at || this.#closed) return
    const key = keyOf(user, at.run)
    const owner = await this.#owners.get(key)?.catch(() => undefined)
    if (!owner) return this.parts.storage.broadcast ? this.#wakeups.came(user, at.run) : this.claimRun(user, at.run)
    if (at.step === undefined) return owner.arrived()
    const { step } = at
    if (this.#launchers.get(key)?.arrived(step))
      await owner.apply((time) => ({ at: time, type: 'step.resumed', step })).catch(() => {})
  }

  /** Carries it on here where nobody does and the code is known; else nothing. */
  async claimRun(user: UserId, run: string): Promise<void> {
    if (this.#closed) return
    await this.own(user, run).then(
      (owner) => owner.arrived(),
      () => {},
    )
  }

  /** So that the gap is known before anything that happened after it. */
  async #arrivedEverywhere(): Promise<void> {
    for (const owned of [...this.#owners.values()]) (await owned.catch(() => undefined))?.arrived()
  }

  #requireOpen(user: UserId, isNew = false): void {
    if (this.#closed) throw failure('troupe.closed', { what: 'Using a run' })
    if (this.#draining && isNew) throw failure('troupe.draining', { what: 'Starting a run' })
    const waiting = isNew && this.parts.gate?.waiting('Starting a run')
    if (waiting) throw waiting
    if (this.#erasing.has(user)) throw failure('user.forgotten', { user })
  }
}
