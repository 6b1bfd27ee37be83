/** All runs of a troupe in this process: who owns which, which are to be taken over, who waits for their results. */
import type { Agent } from '../../agents/index.ts'
import { canonicalJson, failure, type Json, sleep, TroupeError, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../durable/index.ts'
import { evolve } from '../core/evolve.ts'
import type { Pinned } from '../core/model.ts'
import { pending } from '../core/pending.ts'
import { loadState } from '../core/snapshot.ts'
import { createState, type State } from '../core/state.ts'
import { type CompiledTopology, defineTopology } from '../topology/define-topology.ts'
import { type ForkOptions, forkRun } from './fork-run.ts'
import { parentOf } from './parent.ts'
import type { ChildRuns, LivePart, OrchestraParts } from './parts.ts'
import type { RunRecord } from './run-event.ts'
import { ownerOf, runJournal } from './run-journals.ts'
import { RunOwner } from './run-owner.ts'
import type { RunRow } from './run-store.ts'
import { Signals } from './signals.ts'
import { createRun, prepareRun, type StartSpec, startRun } from './start-run.ts'
import { StepLauncher } from './step-launcher.ts'
import { waitingBelow, waitsOutside } from './waiting-below.ts'

export interface Known {
  /** The code of agents, by name. */
  readonly agents: ReadonlyMap<string, Agent>
  /** Topologies whose inner agents (a router's rule, a loop's check) no list of agents names. */
  readonly topologies: readonly CompiledTopology[]
}

const keyOf = (user: UserId, run: string) => `${user}\n${run}`
const tryAgainMs = 1_000
const keptCode = 1_000
/** Between looks at a run that another process carries on. */
const elsewhereMs = 250

/** Nothing where another process has the run or ended it just now. */
function passedBy(error: unknown): undefined {
  if (error instanceof TroupeError && (error.code === 'run.elsewhere' || error.code === 'run.over')) return undefined
  throw error
}

export class OrchestraHost {
  readonly parts: OrchestraParts
  readonly #known: Known
  readonly #owners = new Map<string, Promise<RunOwner>>()
  readonly #launchers = new Map<string, StepLauncher>()
  /** The code of the latest runs, which no list of the troupe may name: for forks. */
  readonly #code = new Map<string, ReadonlyMap<string, Agent>>()
  readonly #signals = new Signals<void>()
  readonly #live = new Signals<LivePart>()
  readonly #stopArrivals: () => void
  #closed = false

  /** @param make is handed what the host is told through: losses and live parts */
  constructor(make: (host: Pick<OrchestraParts, 'onLost' | 'live' | 'children'>) => OrchestraParts, known: Known) {
    this.parts = make({
      onLost: (user, run) => this.#onLost(user, run),
      live: (user, run, part) => this.#live.emit(keyOf(user, run), part),
      children: this.#children(),
    })
    this.#known = known
    this.#stopArrivals = this.parts.inbox.onArrival((user, journal) => void this.#onArrival(user, journal))
  }

  async start(user: UserId, spec: StartSpec): Promise<string> {
    this.#refuseClosed()
    const { run, owner, events, launcher, agents } = await startRun(this.parts, user, spec)
    if (owner && events) {
      this.#adopt(owner, launcher)
      owner.begin(events)
    } else if ((await this.row(user, run)).endedAt === null) await this.own(user, run, agents)
    return run
  }

  async fork(user: UserId, from: string, options: ForkOptions): Promise<string> {
    this.#refuseClosed()
    const row = await this.row(user, from)
    const records = await this.allRecords(user, from)
    const { pinned } = fold({ snapshot: undefined, records })
    const agents = this.#agentsOf(from, row.agents, pinned, this.#code.get(keyOf(user, from)))
    const { run, owner, launcher, events, statements } = await forkRun(
      this.parts,
      user,
      { run: from, records, agents },
      options,
    )
    const result = await this.parts.storage.commit({
      id: null,
      scope: { user },
      statements,
      wake: ['runs', 'timers', 'steps'],
    })
    if (!result.ok) throw failure(result.code, { run, ...result.detail })
    if (!owner.over) this.#adopt(owner, launcher)
    owner.begin(events)
    return run
  }

  /**
   * The owner of a run that is not over, taking it over where nobody here is.
   * @param given code that goes before what the troupe knows
   * @throws NotFoundError, `run.agents_missing`
   */
  own(user: UserId, run: string, given?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    this.#refuseClosed()
    const key = keyOf(user, run)
    const known = this.#owners.get(key)
    if (known) return known
    const taken = this.#takeOver(user, run, given)
    this.#owners.set(key, taken)
    taken.catch(() => this.#owners.delete(key))
    return taken
  }

  /** Takes over what a process that ended left running, as far as the agents' code is known here. */
  async recover(): Promise<void> {
    for (let after: { user: string; run: string } | undefined; !this.#closed; ) {
      const page = await this.parts.store.moving(100, after)
      for (const { user, run } of page) {
        if (this.#closed) return
        await this.own(user, run).catch((error: unknown) =>
          this.parts.log.warn('a run that was left is not taken over here', { run, error: error as Error }),
        )
      }
      after = page.at(-1)
      if (page.length < 100) return
    }
  }

  async row(user: UserId, run: string): Promise<RunRow> {
    const row = await this.parts.store.get(user, run)
    if (!row) throw failure('run.unknown', { run })
    return row
  }

  /** The result, once the run is over or nothing in it can move. */
  async still(user: UserId, run: string, signal?: AbortSignal): Promise<Json> {
    for (;;) {
      const row = await this.row(user, run)
      if (row.endedAt !== null && row.result !== null) return JSON.parse(row.result) as Json
      const owner = await this.own(user, run).catch((error: unknown) => passedBy(error))
      if (!owner) {
        // Another process has it: what it comes to is looked up in its row.
        if (row.result !== null) return JSON.parse(row.result) as Json
        await sleep(this.parts.clock, elsewhereMs, signal)
        continue
      }
      const change = this.nextEvents(user, run, signal)
      try {
        const result = owner.stillResult() ?? (await this.#waitingBelow(owner))
        if (result !== undefined) return result
        await change.promise
        if (signal?.aborted) throw failure('cancelled', { what: `Waiting for run ${run}` }, { cause: signal.reason })
      } finally {
        change.stop()
      }
    }
  }

  records(user: UserId, run: string, after: number, limit: number): Promise<readonly JournalRecord[]> {
    return this.parts.journals.read(user, runJournal(run), after, limit)
  }

  async allRecords(user: UserId, run: string): Promise<readonly JournalRecord[]> {
    const records: JournalRecord[] = []
    for (;;) {
      const page = await this.records(user, run, records.at(-1)?.seq ?? 0, 500)
      records.push(...page)
      if (page.length < 500) return records
    }
  }

  /** Resolves with the next events of the run, or the signal; rejects when the troupe closes. */
  nextEvents(user: UserId, run: string, signal?: AbortSignal) {
    const key = keyOf(user, run)
    const { storage, clock } = this.parts
    // Another process may carry it on, which tells nobody here.
    if (storage.dialect.name === 'postgres' && !this.#owners.has(key))
      clock.after(elsewhereMs, () => this.#signals.emit(key), { background: true })
    return this.#signals.next(key, signal)
  }

  liveOf(user: UserId, run: string, signal?: AbortSignal): AsyncIterable<LivePart> {
    return this.#live.iterate(keyOf(user, run), signal)
  }

  /** Stops taking in, waits for commits under way; `steps.close()` has stopped the steps before. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopArrivals()
    const owners = await Promise.allSettled(this.#owners.values())
    await Promise.all(owners.map((owner) => (owner.status === 'fulfilled' ? owner.value.close() : undefined)))
    const closed = failure('troupe.closed', { what: 'Waiting for a run' })
    this.#signals.close(closed)
    this.#live.close()
  }

  async #takeOver(user: UserId, run: string, given?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    const row = await this.row(user, run)
    if (row.endedAt !== null) throw failure('run.over', { run, status: row.status })
    const { clock, journals } = this.parts
    // Looked at before it is taken over: who lacks the code must not take it from somebody who has it.
    const before = await journals.load(user, runJournal(run))
    if (!before) throw failure('run.unknown', { run })
    const agents = this.#agentsOf(run, row.agents, fold(before).pinned, given)
    const { writer, content } = await journals.takeOver(user, runJournal(run), clock.now())
    const folded = fold(content)
    const launcher = new StepLauncher(this.parts, user, run, folded.pinned, agents)
    const owner = new RunOwner(this.parts, { user, run, writer, launcher, ...folded })
    this.#adopt(owner, launcher)
    owner.resume(pending(owner.state))
    return owner
  }

  /** The code of a run's agents: what is given, what the troupe knows, and what its pattern brings by itself. */
  #agentsOf(
    run: string,
    names: readonly string[],
    { topology }: Pinned,
    given?: ReadonlyMap<string, Agent>,
  ): ReadonlyMap<string, Agent> {
    const pinned = canonicalJson(topology as unknown as Json)
    const known = this.#known.topologies.find((each) => canonicalJson(each.canonical as unknown as Json) === pinned)
    if (known) return known.agents
    const agents = names.flatMap((name) => given?.get(name) ?? this.#known.agents.get(name) ?? [])
    try {
      const all = defineTopology(topology, { agents }).agents
      for (const { name, incomplete } of all.values())
        if (incomplete !== undefined) throw failure('agent.unknown', { agent: name, known: names.join(', ') })
      return all
    } catch (cause) {
      const found = new Set(agents.map((agent) => agent.name))
      const missing = names.filter((name) => !found.has(name))
      throw failure('run.agents_missing', { run, agents: missing.join(', ') || 'those of its pattern' }, { cause })
    }
  }

  #adopt(owner: RunOwner, launcher: StepLauncher): void {
    const key = keyOf(owner.user, owner.run)
    this.#owners.set(key, Promise.resolve(owner))
    this.#launchers.set(key, launcher)
    this.#code.set(key, launcher.agents)
    const [oldest] = this.#code.keys()
    if (this.#code.size > keptCode && oldest !== undefined) this.#code.delete(oldest)
    const above = parentOf(owner.pinned)?.above ?? []
    owner.observe(() => {
      for (const each of [key, ...above.map((run) => keyOf(owner.user, run))]) this.#signals.emit(each)
      if (!owner.over) return
      this.#live.end(key)
      this.#owners.delete(key)
      this.#launchers.delete(key)
    })
  }

  /** Somebody else owns it now, or the storage failed: looked at again after a while, from what is durable. */
  #onLost(user: UserId, run: string): void {
    const key = keyOf(user, run)
    // The code may have come with the start alone, and be on no list of the troupe.
    const given = this.#launchers.get(key)?.agents
    this.#owners.delete(key)
    this.#launchers.delete(key)
    if (this.#closed) return
    this.parts.clock.after(tryAgainMs, () => {
      if (this.#closed) return
      void this.own(user, run, given)
        .catch((error: unknown) => this.parts.log.warn('a run is not taken up again', { run, error: error as Error }))
        .finally(() => this.#signals.emit(key))
    })
  }

  async #onArrival(user: UserId, journal: string): Promise<void> {
    const at = ownerOf(journal)
    if (!at || this.#closed) return
    const key = keyOf(user, at.run)
    const owner = await this.#owners.get(key)?.catch(() => undefined)
    if (at.step !== undefined) {
      const launcher = this.#launchers.get(key)
      if (!launcher?.isParked(at.step)) return launcher?.wake(at.step)
      launcher.wake(at.step)
      const step = at.step
      await owner?.apply((time) => ({ at: time, type: 'step.resumed', step })).catch(() => {})
    } else if (owner) owner.arrived()
    else await this.own(user, at.run).catch(() => {})
  }

  async #waitingBelow(owner: RunOwner): Promise<Json | undefined> {
    if (!waitsOutside(owner.state)) return undefined
    const { store, clock } = this.parts
    const open = (await store.children(owner.user)).filter(({ parent }) => parent.run === owner.run)
    const children = []
    for (const { run, parent } of open) {
      // Whose code is not here yet moves as far as anybody here can tell: the step that started it brings it.
      const child = await this.own(owner.user, run).catch(() => undefined)
      const still = child && (child.stillResult() ?? (await this.#waitingBelow(child)))
      children.push({ run, step: parent.step, still })
    }
    return waitingBelow(owner.state, children, clock.now())
  }

  #children(): ChildRuns {
    const cancel: ChildRuns['cancel'] = async (user, run) => {
      if ((await this.row(user, run)).endedAt !== null) return
      await (await this.own(user, run)).apply((at) => ({ at, type: 'cancel', by: 'parent' }))
      await this.still(user, run)
    }
    return {
      cancel,
      prepare: (spec) => prepareRun(spec as Omit<StartSpec, 'id'>),
      rows: (user, run, first) => createRun(this.parts, user, run, first).statements,
      leftOf: async (user, run, step) => {
        const open = (await this.parts.store.children(user)).filter(({ parent }) => parent.run === run)
        const { state } = await this.own(user, run)
        const { budget } = state.pinned.config
        return {
          steps: budget.steps - state.counts.totalSteps - open.reduce((sum, { parent }) => sum + parent.slice, 0),
          hops: budget.hops - state.counts.hops,
          depth: budget.depth - (state.steps.get(step)?.depth ?? 0) - 1,
        }
      },
      take: async (user, run, agents) => {
        if (this.#closed || (await this.row(user, run)).endedAt !== null) return
        await this.own(user, run, agents).catch((error: unknown) => {
          if (!(error instanceof TroupeError && error.code === 'run.over')) throw error
        })
      },
      cancelOf: async (user, journal) => {
        const open = (await this.parts.store.children(user)).filter(({ parent }) => parent.step === journal)
        await Promise.all(
          open.map(({ run }) =>
            cancel(user, run).catch((error: unknown) =>
              this.parts.log.warn('a run of a cancelled step goes on', { run, error: error as Error }),
            ),
          ),
        )
      },
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw failure('troupe.closed', { what: 'Using a run' })
  }
}

interface Folded {
  readonly state: State
  readonly pinned: Pinned
  readonly lastSeq: number
  readonly lastAt: number
}

/** The state that a journal leads to: its snapshot, and every event after it. */
function fold(content: {
  readonly snapshot: { readonly state: Json } | undefined
  readonly records: readonly JournalRecord[]
}): Folded {
  const saved = content.snapshot?.state as { state: Json; lastSeq: number; lastAt: number } | undefined
  const state = saved ? loadState(saved.state) : createState()
  let { lastSeq, lastAt } = saved ?? { lastSeq: 0, lastAt: 0 }
  for (const { at, body } of content.records) {
    const { events, first } = body as unknown as Partial<RunRecord>
    if (!events || first === undefined) continue
    for (const event of events) evolve(state, event)
    lastSeq = first + events.length - 1
    lastAt = Math.max(lastAt, at)
  }
  return { state, pinned: state.pinned, lastSeq, lastAt }
}
