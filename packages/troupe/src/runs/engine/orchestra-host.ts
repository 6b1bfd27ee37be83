/** All runs of a troupe in this process: who owns which, which are to be taken over, who waits for their results. */
import type { Agent } from '../../agents/index.ts'
import { type Clock, failure, type Json, type UserId } from '../../core/index.ts'
import type { JournalRecord, StepSpec } from '../../journal/index.ts'
import type { Fragment, Statement } from '../../storage/index.ts'
import { awaitEnd, awaitResult } from './await-run.ts'
import { createChildRuns } from './children/child-runs.ts'
import { parentOf } from './children/parent.ts'
import type { CommandOptions, RetryWindow } from './commands/command-options.ts'
import type { Order } from './commands/run-message.ts'
import { submitCommand } from './commands/submit-command.ts'
import { foldRun } from './execution/fold-run.ts'
import type { RunOwner } from './execution/run-owner.ts'
import type { ForkedSpec, ForkSource } from './forks/fork-run.ts'
import type { OrchestraParts, RunLivePart } from './orchestra-parts.ts'
import { claimByStart, type MakeRun } from './ownership/claim-by-start.ts'
import { ensureOwned, isPassing } from './ownership/ensure-owned.ts'
import { recoverRuns } from './ownership/recover-runs.ts'
import { createRunBroadcast, type RunBroadcast } from './ownership/run-broadcast.ts'
import { type OwnedRun, RunOwnership, type RunOwnershipHost } from './ownership/run-ownership.ts'
import { SuspensionWatch } from './ownership/suspension-watch.ts'
import { takeOverRun } from './ownership/take-over-run.ts'
import { Wakeups } from './ownership/wakeups.ts'
import type { RunHost } from './run-host.ts'
import { Signals } from './signals.ts'
import { type Known, RunCode } from './starts/run-code.ts'
import { type NewRun, readStart, type StartSpec, startRun } from './starts/start-run.ts'
import { readRetainedRecords } from './store/retained-records.ts'
import { journalOwnerOf, runJournal } from './store/run-journals.ts'
import type { RunRow } from './store/run-store.ts'
import { untilRunEnds } from './until-run-ends.ts'

/** With its length, for a name may hold any character. */
const keyOf = (user: UserId, run: string) => `${user.length} ${user}${run}`
/** Between looks at a run that another process carries on, where no note comes. */
const remoteRecheckMs = 1_000
/** So that not all processes claim a run at once to which something came, nor one process again and again. */
const offerSpreadMs = 50
const offerPauseMs = 1_000

export class OrchestraHost implements RunHost {
  readonly parts: OrchestraParts
  readonly #code: RunCode
  /** Runs of which the state here is not `unclaimed`. */
  readonly #runs = new Map<string, RunOwnership>()
  readonly #ownershipHost: RunOwnershipHost
  readonly #signals = new Signals<void>()
  readonly #live = new Signals<RunLivePart>()
  readonly #broadcast: RunBroadcast
  readonly #wakeups: Wakeups
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
    clock: Clock,
    make: (
      host: Pick<OrchestraParts, 'onOwnershipLost' | 'live' | 'children' | 'suspendedMs' | 'wakeups'>,
    ) => OrchestraParts,
    known: Known,
  ) {
    this.#wakeups = new Wakeups(clock)
    this.parts = make({
      wakeups: this.#wakeups,
      onOwnershipLost: (owner, byTakeover) => this.#onOwnershipLost(owner, byTakeover),
      live: (user, run, part) => {
        this.#live.emit(keyOf(user, run), part)
        this.#broadcast.live(user, run, part)
      },
      children: createChildRuns(this),
      suspendedMs: () => this.#suspension.totalMs,
    })
    const { inbox, storage } = this.parts
    this.#suspension = new SuspensionWatch(clock, this.parts.leaseMs, () => this.#arrivedEverywhere())
    this.#code = new RunCode(known)
    this.#ownershipHost = this.#createOwnershipHost()
    this.#broadcast = createRunBroadcast(storage.broadcast, clock, {
      isOwner: (user, run) => this.#ownedRun(user, run) !== undefined,
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
    const { run, spec } = made
    const isBegun = await this.#start(user, run, () => startRun(this.parts, user, made, also), 'first')
    if (!isBegun) await this.#ownUnlessEnded(user, run, spec.agents)
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
    const { run, owner, launcher, events, statements } = await make(await this.source(user, from))
    const commit = async () => {
      const change = { id: null, scope: { user }, statements, wake: ['timers'] } as const
      const result = await this.parts.storage.commit(change)
      if (!result.ok) throw failure(result.code, { run, ...result.detail })
      return { owner, launcher, events }
    }
    if (!(await this.#start(user, run, commit))) await this.#ownUnlessEnded(user, run, launcher.agents)
    return run
  }

  /** @returns false where the run was there already, and where this process was given up meanwhile */
  async #start(user: UserId, run: string, make: MakeRun, entry?: StepSpec['entry']): Promise<boolean> {
    await this.#runs.get(keyOf(user, run))?.changeEnded()
    return claimByStart(this.#ownershipOf(user, run), make, entry)
  }

  /**
   * The owner of a run that is not over, taking it over where nobody here is.
   * @param ownAgents code that goes before what the troupe knows
   * @throws NotFoundError, `run.agents_missing`
   */
  own(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    this.#requireOpen(user)
    const key = keyOf(user, run)
    const known = this.#runs.get(key)
    if (known?.owned || known?.state === 'claiming') return known.claim(ownAgents)
    if (this.#draining) return Promise.reject(failure('troupe.closed', { what: `Taking up run ${run}` }))
    const waiting = this.parts.gate?.waiting(`Carrying on run ${run}`)
    if (waiting) return Promise.reject(waiting)
    if (known?.state === 'releasing') return known.changeEnded().then(() => this.own(user, run, ownAgents))
    return this.#ownershipOf(user, run).claim(ownAgents)
  }

  /** Takes up a run that no living process holds, as the storage has it. */
  async claim(user: UserId, run: string): Promise<void> {
    const isHere = this.#ownedRun(user, run) !== undefined
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
    for (const ownership of [...this.#runs.values()]) ownership.dispatch('lease-lost')
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

  works(user: UserId, run: string): boolean {
    const owner = this.#ownedRun(user, run)?.owner
    return owner?.works === true && !owner.over && !owner.lost
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
    const ownership = this.#runs.get(keyOf(user, run))
    await ownership?.changeEnded()
    ownership?.owned?.owner.arrived()
  }

  records(user: UserId, run: string, after: number, limit: number): Promise<readonly JournalRecord[]> {
    return this.parts.journals.read(user, runJournal(run), after, limit)
  }

  /** Resolves with the next events of the run, or the signal; rejects when the troupe closes. */
  nextEvents(user: UserId, run: string, signal?: AbortSignal, live = false) {
    const key = keyOf(user, run)
    const next = this.#signals.next(key, signal)
    if (!this.parts.storage.broadcast) return next
    if (!this.#ownedRun(user, run)) this.#broadcast.follow(user, run, live)
    const recheck = `recheck ${key}`
    if (!this.#wakeups.has(recheck)) this.#wakeups.set(recheck, remoteRecheckMs, () => this.#signals.emit(key))
    return next
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
    for (const { owned } of this.#runs.values()) owned?.launcher.drain()
  }

  /** Stops taking in, waits for commits under way; `steps.close()` has stopped the steps before. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopArrivals()
    this.#broadcast.close()
    this.#suspension.stop()
    await Promise.all([...this.#runs.values()].map((ownership) => this.#end(ownership)))
    this.#wakeups.close()
    const closed = failure('troupe.closed', { what: 'Waiting for a run' })
    this.#signals.close(closed)
    this.#live.close()
  }

  /** Nothing of the user's runs goes on here, and none begins until what is returned is called. */
  async forget(user: UserId): Promise<() => void> {
    this.#erasing.add(user)
    const mine = [...this.#runs.values()].filter((ownership) => ownership.user === user)
    this.#code.forget(keyOf(user, ''))
    for (const launcher of await Promise.all(mine.map((ownership) => this.#end(ownership)))) launcher?.abandon()
    const keys = mine.map(({ run }) => keyOf(user, run))
    for (const key of keys) {
      this.#live.end(key)
      this.#signals.emit(key)
    }
    return () => {
      this.#erasing.delete(user)
      // Whoever waits for one of these runs finds that it is gone.
      for (const key of keys) this.#signals.emit(key)
    }
  }

  #createOwnershipHost(): RunOwnershipHost {
    const host = this
    return {
      wakeups: this.#wakeups,
      log: this.parts.log,
      get losses() {
        return host.#losses
      },
      takeOver: (user, run, ownAgents) => this.#takeOver(user, run, ownAgents),
      release: (owner) => this.#release(owner),
      abandon: async (user, run) => {
        const { storage, store } = this.parts
        await storage.commit({ id: null, scope: { user }, statements: [store.abandon(user, run)] })
      },
      onClaimed: ({ owner, launcher }) => {
        this.#code.remember(keyOf(owner.user, owner.run), launcher.agents)
        if (this.#draining) launcher.drain()
        this.#suspension.update(keyOf(owner.user, owner.run), owner.works)
      },
      onCommit: (owner) => this.#onCommit(owner),
      onRechecked: (user, run) => this.#signals.emit(keyOf(user, run)),
      onLeft: ({ user, run }) => this.#suspension.update(keyOf(user, run), false),
      onUnclaimed: ({ user, run }) => void this.#runs.delete(keyOf(user, run)),
    }
  }

  #ownershipOf(user: UserId, run: string): RunOwnership {
    const key = keyOf(user, run)
    const ownership = this.#runs.get(key) ?? new RunOwnership(this.#ownershipHost, user, run)
    this.#runs.set(key, ownership)
    return ownership
  }

  #ownedRun(user: UserId, run: string): OwnedRun | undefined {
    return this.#runs.get(keyOf(user, run))?.owned
  }

  async #takeOver(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<OwnedRun> {
    this.#requireOpen(user)
    const row = await this.row(user, run)
    const at = { user, row, processStartedAt: this.#suspension.startedAt }
    return takeOverRun(this.parts, at, (pinned) => this.#code.of(keyOf(user, run), run, row.agents, pinned, ownAgents))
  }

  #onCommit(owner: RunOwner): void {
    for (const each of [owner.run, ...(parentOf(owner.pinned)?.above ?? [])]) {
      this.#signals.emit(keyOf(owner.user, each))
      this.#broadcast.changed(owner.user, each)
    }
    const key = keyOf(owner.user, owner.run)
    this.#suspension.update(key, owner.works && !owner.lost)
    if (owner.over) this.#live.end(key)
  }

  /** Waits for a change in progress, and for what the owner has begun to commit. @returns what carried out the steps */
  async #end(ownership: RunOwnership): Promise<OwnedRun['launcher'] | undefined> {
    await ownership.changeEnded()
    const { owned } = ownership
    await owned?.owner.close()
    if (ownership.state !== 'unclaimed') ownership.dispatch('close')
    this.#suspension.update(keyOf(ownership.user, ownership.run), false)
    return owned?.launcher
  }

  /** Another process owns the run now, or the storage failed. An owner that was left before says nothing new. */
  #onOwnershipLost(owner: Pick<RunOwner, 'user' | 'run'>, byTakeover: boolean): void {
    const ownership = this.#runs.get(keyOf(owner.user, owner.run))
    if (ownership?.owned?.owner === owner) ownership.dispatch(byTakeover ? 'fenced' : 'storage-failed')
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
    const statements = [inbox.empty(user, runJournal(run)), store.release(user, run)]
    return (await storage.commit({ id: null, scope: { user }, statements })).ok
  }

  #onArrival(user: UserId, journal: string): void {
    const at = journalOwnerOf(journal)
    if (!at || this.#closed) return
    const { run } = at
    const ownership = this.#runs.get(keyOf(user, run))
    if (ownership) ownership.input(at.step)
    else if (this.parts.storage.broadcast) this.#offer(user, run)
    else void this.claimRun(user, run)
  }

  /** Several processes may be told of a run that none owns. */
  #offer(user: UserId, run: string): void {
    const inMs = this.parts.random.next() * offerSpreadMs
    const claim = () => void this.claimRun(user, run)
    this.#wakeups.setThrottled(`offer ${keyOf(user, run)}`, { inMs, pauseMs: offerPauseMs }, claim)
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
  #arrivedEverywhere(): void {
    for (const { owned } of [...this.#runs.values()]) owned?.owner.arrived()
  }

  #requireOpen(user: UserId, isNew = false): void {
    if (this.#closed) throw failure('troupe.closed', { what: 'Using a run' })
    if (this.#draining && isNew) throw failure('troupe.draining', { what: 'Starting a run' })
    const waiting = isNew && this.parts.gate?.waiting('Starting a run')
    if (waiting) throw waiting
    if (this.#erasing.has(user)) throw failure('user.forgotten', { user })
  }
}
