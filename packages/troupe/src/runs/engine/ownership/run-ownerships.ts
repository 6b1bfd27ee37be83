/**
 * The runs of this process, each with its machine of ownership. Holds every run whose state here is not `unclaimed`, and
 * commits the changes of releases and of abandoned claims.
 */
import { type UserId, userKey } from '../../../core/index.ts'
import { runJournal } from '../../../journal/index.ts'
import type { RunOwner } from '../execution/run-owner.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { type OwnedRun, RunOwnership, type RunOwnershipHost } from './run-ownership.ts'

type Parts = Pick<OrchestraParts, 'stores' | 'journal' | 'reporting' | 'host'>

/** The actions on a run that its ownership calls. */
export type RunOwnershipPort = Pick<RunOwnershipHost, 'takeOver' | 'onClaimed' | 'onCommit' | 'onRechecked' | 'onLeft'>

export class RunOwnerships {
  readonly #runs = new Map<string, RunOwnership>()
  readonly #host: RunOwnershipHost
  /** How often this process has lost its lease. A claim that was in progress at that time may belong to another process. */
  #losses = 0

  constructor(parts: Parts, port: RunOwnershipPort) {
    const { storage, store } = parts.stores
    const { inbox } = parts.journal
    const { log } = parts.reporting
    const { wakeups } = parts.host
    this.#host = {
      ...port,
      wakeups,
      log,
      losses: () => this.#losses,
      release: async ({ user, run }) => {
        const statements = [inbox.empty(user, runJournal(run)), store.release(user, run)]
        return (await storage.commit({ id: null, scope: { user }, statements })).ok
      },
      abandon: async (user, run) => {
        await storage.commit({ id: null, scope: { user }, statements: [store.abandon(user, run)] })
      },
      onUnclaimed: ({ user, run }) => void this.#runs.delete(userKey(user, run)),
    }
  }

  /** Undefined while the run is unclaimed here. */
  find(user: UserId, run: string): RunOwnership | undefined {
    return this.#runs.get(userKey(user, run))
  }

  owned(user: UserId, run: string): OwnedRun | undefined {
    return this.find(user, run)?.owned
  }

  /** The ownership of the run, unclaimed at first. */
  of(user: UserId, run: string): RunOwnership {
    const ownership = this.find(user, run) ?? new RunOwnership(this.#host, user, run)
    this.#runs.set(userKey(user, run), ownership)
    return ownership
  }

  /** Returns all runs, or those of one user. */
  all(user?: UserId): readonly RunOwnership[] {
    const all = [...this.#runs.values()]
    return user === undefined ? all : all.filter((ownership) => ownership.user === user)
  }

  /** Each owned run reads its inbox. */
  arrived(): void {
    for (const { owned } of this.all()) owned?.owner.arrived()
  }

  drain(): void {
    for (const { owned } of this.all()) owned?.launcher.drain()
  }

  /** This process has lost its lease: other processes claim its runs. */
  leaseLost(): void {
    this.#losses++
    for (const ownership of this.all()) ownership.dispatch('lease-lost')
  }

  /** Another process owns the run now, or the storage failed. The report of an owner that was left before is ignored. */
  ownershipLost(owner: Pick<RunOwner, 'user' | 'run'>, byTakeover: boolean): void {
    const ownership = this.find(owner.user, owner.run)
    if (ownership?.owned?.owner === owner) ownership.dispatch(byTakeover ? 'fenced' : 'storage-failed')
  }

  /** Waits for a change in progress and for commits of the owner. @returns the launcher of the steps, if the run was owned */
  async end(ownership: RunOwnership): Promise<OwnedRun['launcher'] | undefined> {
    await ownership.changeEnded()
    const { owned } = ownership
    await owned?.owner.close()
    if (ownership.state !== 'unclaimed') ownership.dispatch('close')
    if (owned) this.#host.onLeft(owned.owner)
    return owned?.launcher
  }
}
