/** The runs of a troupe in this process: their ownership, takeovers, and the callers that wait for results. */
import type { Agent } from '../../agents/index.ts'
import {
  type Clock,
  failure,
  isLongValue,
  LastReturn,
  nextMacrotask,
  spanIdOf,
  type UserId,
  userKey,
  whenAborted,
} from '../../core/index.ts'
import { type JournalRecord, journalOwnerOf, runJournal, type StepSpec } from '../../journal/index.ts'
import { committed, type Fragment, type Statement } from '../../storage/index.ts'
import { awaitEnd, untilRunEnds } from './await-run.ts'
import { createChildRuns } from './children/child-runs.ts'
import { parentOf } from './children/parent.ts'
import type { CommandOptions } from './commands/command-options.ts'
import type { Order } from './commands/run-message.ts'
import { submitCommand } from './commands/submit-command.ts'
import { callerSpanOf, traceIdOf } from './events/run-trace.ts'
import { foldRun } from './execution/fold-run.ts'
import type { RunOwner } from './execution/run-owner.ts'
import type { ForkedSpec, ForkSource } from './forks/fork-run.ts'
import type { OrchestraParts, RunHostPorts, RunLivePart } from './orchestra-parts.ts'
import { claimByStart, type MakeRun } from './ownership/claim-by-start.ts'
import { isOfStorage, isPassing, isUnable } from './ownership/ensure-owned.ts'
import { RunFollowers } from './ownership/run-followers.ts'
import type { OwnedRun } from './ownership/run-ownership.ts'
import { type RunOwnershipPort, RunOwnerships } from './ownership/run-ownerships.ts'
import { SuspensionWatch } from './ownership/suspension-watch.ts'
import { takeOverRun } from './ownership/take-over-run.ts'
import { Wakeups } from './ownership/wakeups.ts'
import { RunAdmission } from './run-admission.ts'
import type { RowWithUncertain, RunHost } from './run-host.ts'
import { type Known, RunCode } from './starts/run-code.ts'
import { type NewRun, readStart, type StartSpec, startRun } from './starts/start-run.ts'
import { readRetainedRecords } from './store/retained-records.ts'
import { readRecord } from './store/run-record.ts'
import type { RunRow } from './store/run-store.ts'
import { withThread } from './threads/with-thread.ts'

/** Limits how many processes try to claim a run after a message for it, and how often one process tries. */
const offerSpreadMs = 50
const offerPauseMs = 1_000
/** The number of runs that one read of the recovery returns. */
const recoveryPage = 100

export class OrchestraHost implements RunHost {
  readonly parts: OrchestraParts
  /** The evaluations with an id that this process executes. */
  readonly evaluations = new Set<string>()
  readonly #code: RunCode
  readonly #ownerships: RunOwnerships
  readonly #followers: RunFollowers
  readonly #admission: RunAdmission
  readonly #suspension: SuspensionWatch
  readonly #stopArrivals: () => void

  /** @param make gets the functions that report lost runs and live parts to the host */
  constructor(clock: Clock, make: (host: Omit<RunHostPorts, 'announce'>) => OrchestraParts, known: Known) {
    const wakeups = new Wakeups(clock)
    this.parts = make({
      wakeups,
      onOwnershipLost: (owner, byTakeover) => this.#ownerships.ownershipLost(owner, byTakeover),
      live: (user, run, part) => this.#followers.live(user, run, part),
      children: createChildRuns(this),
      suspendedMs: () => this.#suspension.totalMs,
      lastReturn: new LastReturn(clock),
    })
    const { inbox } = this.parts.journal
    const { storage } = this.parts.stores
    const { leaseMs, gate } = this.parts.settings
    this.#admission = new RunAdmission(gate)
    // The gap is recorded before any later event.
    this.#suspension = new SuspensionWatch(clock, leaseMs, () => this.#ownerships.arrived())
    this.#code = new RunCode(known)
    this.#ownerships = new RunOwnerships(this.parts, this.#createOwnershipPort())
    const isOwner = (user: UserId, run: string) => this.#ownerships.owned(user, run) !== undefined
    this.#followers = new RunFollowers({ broadcast: storage.broadcast, clock, wakeups, isOwner })
    this.#stopArrivals = inbox.onArrival((user, journal) => void this.#onArrival(user, journal))
  }

  get isClosed(): boolean {
    return this.#admission.isClosed
  }

  /** @param as the agent as which an outside caller starts the run */
  async start(user: UserId, spec: StartSpec, also?: readonly Statement[], as?: string): Promise<string> {
    // A schedule starts its runs in the context of the timer, which is that of an earlier call.
    const callerSpan = also ? undefined : this.parts.platform.events.surroundingSpan(user)
    const made = readStart(this.parts, spec, { as, callerSpan })
    if (isLongValue(made.spec.task)) await nextMacrotask(this.parts.platform.clock)
    const { threadId } = spec
    return this.begin(user, threadId === undefined ? made : await withThread(this.parts, user, made, threadId), also)
  }
  async begin(user: UserId, made: NewRun, also?: readonly Statement[]): Promise<string> {
    this.#admission.requireNew(user)
    const { run, spec } = made
    const isBegun = await this.#start(user, run, () => startRun(this.parts, user, made, also), 'first')
    if (!isBegun) await this.#ownUnlessEnded(user, run, spec.agents)
    return run
  }

  /** Reads a run, ended or not, with the code of its agents. */
  async source(user: UserId, run: string): Promise<ForkSource> {
    this.#admission.requireOpen(user)
    const row = await this.row(user, run)
    const records = await readRetainedRecords(this.parts, user, row)
    const { pinned } = foldRun({ snapshot: undefined, records })
    return { run, records, pinned, agents: this.#code.of(userKey(user, run), run, row.agents, pinned) }
  }

  /** @param make creates the run from the journal of another run */
  async fork(user: UserId, from: string, make: (source: ForkSource) => Promise<ForkedSpec>): Promise<string> {
    this.#admission.requireNew(user)
    const { run, owner, launcher, events, statements } = await make(await this.source(user, from))
    const commit = async () => {
      const change = { id: null, scope: { user }, statements, wake: ['timers'] } as const
      const result = await this.parts.stores.storage.commit(change)
      if (!result.ok) throw failure(result.code, { run, ...result.detail })
      return { owner, launcher, events }
    }
    if (!(await this.#start(user, run, commit))) await this.#ownUnlessEnded(user, run, launcher.agents)
    return run
  }

  /** @returns false if the run existed before, or if this process has lost its lease */
  async #start(user: UserId, run: string, make: MakeRun, entry?: StepSpec['entry']): Promise<boolean> {
    for (let known = this.#ownerships.find(user, run); known; known = this.#ownerships.find(user, run)) {
      if (known.owned) {
        await make()
        return false
      }
      await known.changeEnded()
      // An earlier start had no known outcome: a claim finds out whether there is a run.
      if (known.state === 'lost')
        await this.own(user, run).catch((error: unknown) => {
          if (known?.state === 'lost' || isOfStorage(error)) throw error
        })
    }
    return claimByStart(this.#ownerships.of(user, run), make, entry)
  }

  /**
   * Returns the owner of an open run; takes the run over if this process does not own it.
   * @param ownAgents code that takes precedence over the agents of the troupe
   * @throws NotFoundError, `run.agents_missing`
   */
  async own(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    this.#admission.requireOpen(user)
    const known = this.#ownerships.find(user, run)
    if (known?.owned) return known.claim()
    if (known?.state === 'claiming') {
      const { isStarting } = known
      return known.claim().catch((error: unknown) => {
        // The claim in progress lacked the code that this caller has, or was a start that was rejected.
        if (isStarting || (ownAgents && isUnable(error))) return this.own(user, run, ownAgents)
        throw error
      })
    }
    const rejection = this.#admission.claimRejection(run)
    if (rejection) throw rejection
    if (known?.state === 'releasing') {
      await known.changeEnded()
      return this.own(user, run, ownAgents)
    }
    return this.#ownerships.of(user, run).claim(ownAgents)
  }

  /** Takes over a run that no process with a valid lease owns. */
  async claim(user: UserId, run: string): Promise<void> {
    const isHere = this.#ownerships.owned(user, run) !== undefined
    await this.own(user, run)
    if (!isHere) return
    // This process started the run before it lost its lease. If another process has claimed it, the journal rejects the claim.
    const { storage, store } = this.parts.stores
    await committed(storage, { id: null, scope: { user }, statements: [store.claim(user, run)] })
  }

  /** Releases all runs: this process has lost its lease, and other processes take its runs over. */
  leaseLost(): void {
    // Steps of runs without an owner here stop too: a storage error may have released the run while its steps continued.
    void this.parts.journal.steps.releaseLeased()
    this.#ownerships.leaseLost()
  }

  /** Takes over the open runs of the previous process, if one process alone uses the storage. */
  async recover(): Promise<void> {
    const { store } = this.parts.stores
    const { log } = this.parts.reporting
    for (let after: { user: string; run: string } | undefined; !this.isClosed; ) {
      const found = await store.moving(recoveryPage, after)
      for (const { user, run } of found) {
        if (this.isClosed) return
        await this.own(user, run).catch((error: unknown) =>
          log.warn('this process could not claim an open run', { run, error: error as Error }),
        )
      }
      after = found.at(-1)
      if (found.length < recoveryPage) return
    }
  }

  async row(user: UserId, run: string): Promise<RunRow> {
    return (await this.parts.stores.store.get(user, run)) ?? this.#rejectUnknown(user, run)
  }

  async rowWithUncertain(user: UserId, run: string): Promise<RowWithUncertain> {
    const { uncertain } = this.parts.journal.steps
    const { row, rows } = await this.parts.stores.store.getWith(user, run, uncertain.statement(user))
    return { row: row ?? (await this.#rejectUnknown(user, run)), uncertain: uncertain.read(rows) }
  }

  async #rejectUnknown(user: UserId, run: string): Promise<never> {
    throw (await this.parts.reporting.erasureError?.(user)) ?? failure('run.unknown', { run })
  }

  awaitEnd(user: UserId, run: string, signal?: AbortSignal): Promise<void> {
    return awaitEnd(this, user, run, signal)
  }

  works(user: UserId, run: string): boolean {
    const owner = this.#ownerships.owned(user, run)?.owner
    return owner?.works === true && !owner.over && !owner.lost
  }

  rememberCode(user: UserId, run: string, agents: ReadonlyMap<string, Agent>): void {
    this.#code.remember(userKey(user, run), agents)
  }

  /** @throws `troupe.draining`, `troupe.restored`, `troupe.closed`, `user.forgotten` for new work of the user */
  requireNew(user: UserId, what: string): void {
    this.#admission.requireNew(user, what)
  }

  /** Sends a command to a run, whichever process owns it. Resolves when the run has durably accepted it. */
  submit(user: UserId, run: string, order: Order, options: CommandOptions = {}, also?: Fragment): Promise<void> {
    this.#admission.requireOpen(user)
    return submitCommand(this, user, run, order, options, also)
  }

  /** This process added a message to the run's inbox. If it owns the run too, the run reads its inbox at once. */
  async arrived(user: UserId, run: string): Promise<void> {
    const ownership = this.#ownerships.find(user, run)
    await ownership?.changeEnded()
    ownership?.owned?.owner.arrived()
  }

  records(user: UserId, run: string, after: number, limit: number): Promise<readonly JournalRecord[]> {
    return this.parts.journal.journals.read(user, runJournal(run), after, limit)
  }

  /** Returns the trace id of a run and, if the trace began above the run, the span of the run. */
  async traceOf(user: UserId, run: string): Promise<{ readonly traceId: string; readonly top?: string }> {
    const [start] = await this.records(user, run, 0, 1)
    const input = start && readRecord(start.body).input
    const pinned = input?.type === 'start' ? input.pinned : {}
    const traceId = traceIdOf(user, run, pinned)
    return callerSpanOf(pinned) ? { traceId, top: spanIdOf(user, runJournal(run)) } : { traceId }
  }

  /** Resolves with the next events of the run, or the signal; rejects when the troupe closes. */
  nextEvents(user: UserId, run: string, signal?: AbortSignal, live = false) {
    return this.#followers.next(user, run, signal, live)
  }

  /** Yields the live parts of the run until the run ends, the signal aborts or the caller stops. */
  async *liveOf(user: UserId, run: string, signal?: AbortSignal): AsyncGenerator<RunLivePart> {
    const ended = new AbortController()
    const end = () => ended.abort()
    const stopWatching = whenAborted(signal, end)
    // The caller may start to iterate when the run has ended.
    void untilRunEnds(this, user, run, ended.signal).then(end, end)
    try {
      yield* this.#followers.liveParts(user, run, ended.signal)
    } finally {
      stopWatching()
      end()
    }
  }

  /** Starts and takes over no run and starts no step any more; steps in progress continue. */
  drain(): void {
    this.#admission.drain()
    this.#ownerships.drain()
  }

  /** Closes the host after the commits in progress; `steps.close()` has stopped the steps before. */
  async close(): Promise<void> {
    this.#admission.close()
    this.#stopArrivals()
    this.#followers.disconnect()
    this.#suspension.stop()
    await Promise.all(this.#ownerships.all().map((ownership) => this.#ownerships.end(ownership)))
    this.parts.host.wakeups.close()
    this.#followers.close(failure('troupe.closed', { what: 'Waiting for a run' }))
  }

  /** Stops the user's runs here. No run of the user starts until the returned function is called. */
  async forget(user: UserId): Promise<() => void> {
    const endErasure = this.#admission.erase(user)
    const mine = this.#ownerships.all(user)
    this.#code.forget(userKey(user, ''))
    const launchers = await Promise.all(mine.map((ownership) => this.#ownerships.end(ownership)))
    for (const launcher of launchers) launcher?.abandon()
    for (const { run } of mine) {
      this.#followers.endLive(user, run)
      this.#followers.notify(user, run)
    }
    return () => {
      endErasure()
      // A caller that waits for one of these runs gets an error.
      for (const { run } of mine) this.#followers.notify(user, run)
    }
  }

  #createOwnershipPort(): RunOwnershipPort {
    return {
      takeOver: (user, run, ownAgents) => this.#takeOver(user, run, ownAgents),
      onClaimed: ({ owner, launcher }) => {
        const key = userKey(owner.user, owner.run)
        this.#code.remember(key, launcher.agents)
        if (this.#admission.isDraining) launcher.drain()
        this.#suspension.update(key, owner.works)
      },
      onCommit: ({ user, run, pinned, works, lost, over }) => {
        for (const each of [run, ...(parentOf(pinned)?.above ?? [])]) this.#followers.changed(user, each)
        this.#suspension.update(userKey(user, run), works && !lost)
        if (over) this.#followers.endLive(user, run)
      },
      onRechecked: (user, run) => this.#followers.notify(user, run),
      onLeft: ({ user, run }) => this.#suspension.update(userKey(user, run), false),
    }
  }

  async #takeOver(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<OwnedRun> {
    this.#admission.requireOpen(user)
    const row = await this.row(user, run)
    return takeOverRun(this.parts, { user, row }, (pinned) =>
      this.#code.of(userKey(user, run), run, row.agents, pinned, ownAgents),
    )
  }

  /** Takes over a run that exists already, with this code. Stores the code only, if the run has ended. */
  async #ownUnlessEnded(user: UserId, run: string, agents: ReadonlyMap<string, Agent>): Promise<void> {
    if ((await this.row(user, run)).endedAt !== null) return this.#code.remember(userKey(user, run), agents)
    await this.own(user, run, agents).catch((error: unknown) => {
      if (!isPassing(error)) throw error
    })
  }

  #onArrival(user: UserId, journal: string): void {
    const at = journalOwnerOf(journal)
    if (!at || this.isClosed) return
    const { run } = at
    const ownership = this.#ownerships.find(user, run)
    if (ownership && !ownership.isStarting) ownership.input(at.step)
    else if (this.parts.stores.storage.broadcast) this.#offer(user, run)
    else void this.claimRun(user, run)
  }

  /** Several processes may hear of a run without an owner. */
  #offer(user: UserId, run: string): void {
    const inMs = this.parts.platform.random.next() * offerSpreadMs
    const claim = () => void this.claimRun(user, run)
    this.parts.host.wakeups.setThrottled(`offer ${userKey(user, run)}`, { inMs, pauseMs: offerPauseMs }, claim)
  }

  /** Takes the run over if no process owns it and this process has its code; does nothing otherwise. */
  async claimRun(user: UserId, run: string): Promise<void> {
    if (this.isClosed) return
    await this.own(user, run).then(
      (owner) => owner.arrived(),
      () => {},
    )
  }
}
