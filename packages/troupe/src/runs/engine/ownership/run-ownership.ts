/** The ownership of one run in this process: executes the table of transitions, which alone changes its state. */
import type { Agent } from '../../../agents/index.ts'
import { failure, TroupeError, type UserId, userKey } from '../../../core/index.ts'
import type { Log } from '../../../observability/index.ts'
import type { RunOwner } from '../execution/run-owner.ts'
import type { StepLauncher } from '../execution/steps/step-launcher.ts'
import { isPassing, isTakeoverInterrupted } from './ensure-owned.ts'
import {
  nextOwnership,
  type OwnershipAction,
  type OwnershipTrigger,
  type RunOwnershipState,
} from './ownership-transitions.ts'
import type { Wakeups } from './wakeups.ts'

export interface OwnedRun {
  readonly owner: RunOwner
  readonly launcher: StepLauncher
}

/** A change that claims the run for this process, and the actions after it. */
interface Claim {
  readonly change: () => Promise<OwnedRun>
  readonly resume: (owner: RunOwner) => void
  /** True if the change creates the run, and claims nothing if the run exists. */
  readonly isStart: boolean
}

export interface RunOwnershipHost {
  readonly wakeups: Wakeups
  readonly log: Log
  /** Returns how often this process has lost its lease. */
  losses(): number
  /** Claims the run in the storage, and folds it. */
  takeOver(user: UserId, run: string, ownAgents?: ReadonlyMap<string, Agent>): Promise<OwnedRun>
  /** Releases the run in the storage, unless a message came for it. @returns true if it was released */
  release(owner: RunOwner): Promise<boolean>
  /** Releases a run that was claimed while this process lost its lease, so that another process may claim the run. */
  abandon(user: UserId, run: string): Promise<void>
  /** The process owns the run from now on, and has executed none of its commands yet. */
  onClaimed(owned: OwnedRun): void
  /** After each commit of the run. */
  onCommit(owner: RunOwner): void
  /** More is known about a lost run. */
  onRechecked(user: UserId, run: string): void
  /** The process stops the steps of the run. */
  onLeft(owner: RunOwner): void
  onUnclaimed(ownership: RunOwnership): void
}

/** An idle run is released after this time in ms, and keeps its code until then. */
const idleMs = 1_000
const recheckMs = 1_000

export class RunOwnership {
  readonly user: UserId
  readonly run: string
  readonly #host: RunOwnershipHost
  #state: RunOwnershipState = 'unclaimed'
  /** While the run is claimed or idle. */
  #owned: OwnedRun | undefined
  /** The change that claims or releases. */
  #change: Promise<unknown> | undefined
  #claim: { readonly owner: Promise<RunOwner>; readonly isStart: boolean; hasInput: boolean } | undefined
  #next: Claim | undefined

  constructor(host: RunOwnershipHost, user: UserId, run: string) {
    this.#host = host
    this.user = user
    this.run = run
  }

  get state(): RunOwnershipState {
    return this.#state
  }
  get owned(): OwnedRun | undefined {
    return this.#owned
  }
  /** True during a change that creates the run. If it fails, an existing run has still no owner. */
  get isStarting(): boolean {
    return this.#claim?.isStart === true
  }

  /** The change that starts the run claims it. Only while the run is unclaimed; rejects with the reason as `claim` does. */
  start(claim: Omit<Claim, 'isStart'>): Promise<RunOwner> {
    this.#next = { ...claim, isStart: true }
    return this.claim()
  }

  /** @returns the owner when the run is claimed here; rejects with the reason if it is not */
  claim(ownAgents?: ReadonlyMap<string, Agent>): Promise<RunOwner> {
    if (this.#owned) return Promise.resolve(this.#owned.owner)
    if (!this.#claim) this.#next ??= this.#takeOver(ownAgents)
    this.dispatch('claim')
    return this.#claim?.owner as Promise<RunOwner>
  }

  /** A message came for the run or for one of its steps. */
  input(step?: string): void {
    if (step === undefined || !this.#owned) {
      this.dispatch('input')
      return
    }
    const { owner, launcher } = this.#owned
    if (launcher.arrived(step)) void owner.apply((at) => ({ at, type: 'step.resumed', step })).catch(() => {})
  }

  /** Resolves when no change is in progress that claims or releases the run. */
  async changeEnded(): Promise<void> {
    while (this.#change) await this.#change
  }

  dispatch(trigger: OwnershipTrigger): void {
    const { to, actions } = nextOwnership(this.#state, trigger)
    this.#state = to
    const owned = this.#owned
    if (to !== 'claimed' && to !== 'idle') this.#owned = undefined
    for (const action of actions) RunOwnership.#actions[action](this, owned)
    if (this.#state === 'unclaimed') this.#host.onUnclaimed(this)
  }

  static readonly #actions: Readonly<Record<OwnershipAction, (at: RunOwnership, owned?: OwnedRun) => void>> = {
    claim: (at) => at.#startClaim(),
    deliver: (_, owned) => owned?.owner.arrived(),
    'remember-input': (at) => {
      if (at.#claim) at.#claim.hasInput = true
    },
    'wait-to-release': (at, owned) =>
      at.#wakeAfter(idleMs, () => at.dispatch(owned?.owner.isResting ? 'idle-elapsed' : 'waiting')),
    release: (at, owned) => owned && at.#startRelease(owned),
    'recheck-later': (at) => at.#wakeAfter(recheckMs, () => at.#recheck(), true),
    abandon: (at) => void at.#host.abandon(at.user, at.run).catch(() => {}),
    'clear-wakeup': (at) => at.#host.wakeups.clear(userKey(at.user, at.run)),
    'stop-steps': (at, owned) => {
      void owned?.owner.close()
      void owned?.launcher.release()
      if (owned) at.#host.onLeft(owned.owner)
    },
    'leave-steps': (at, owned) => {
      owned?.launcher.leave()
      if (owned) at.#host.onLeft(owned.owner)
    },
  }

  #wakeAfter(ms: number, run: () => void, foreground = false): void {
    this.#host.wakeups.set(userKey(this.user, this.run), ms, run, { foreground })
  }

  #takeOver(ownAgents?: ReadonlyMap<string, Agent>): Claim {
    return {
      change: () => this.#host.takeOver(this.user, this.run, ownAgents),
      resume: (owner) => owner.resume(),
      isStart: false,
    }
  }

  #startClaim(): void {
    const losses = this.#host.losses()
    const { change, resume, isStart } = this.#next ?? this.#takeOver()
    this.#next = undefined
    const owner = change().then(
      (owned) => {
        if (losses === this.#host.losses()) {
          const hasInput = this.#claim?.hasInput
          this.#endChange('claimed', owned)
          resume(owned.owner)
          if (hasInput) owned.owner.arrived()
          return owned.owner
        }
        void owned.owner.close()
        this.#endChange('claim-outdated')
        throw failure('journal.lost', { journal: `of run ${this.run}, claimed by a process that was given up` })
      },
      (error: unknown) => {
        // The storage may have recorded this process as the owner; no other process would then claim the run.
        this.#endChange(isTakeoverInterrupted(error) ? 'claim-unknown' : 'claim-rejected')
        throw error
      },
    )
    this.#claim = { owner, isStart, hasInput: false }
    this.#change = owner.catch(() => {})
  }

  #endChange(trigger: OwnershipTrigger, owned?: OwnedRun): void {
    this.#change = undefined
    this.#claim = undefined
    if (owned) this.#register(owned)
    else this.dispatch(trigger)
  }

  #register(owned: OwnedRun): void {
    const { owner } = owned
    this.dispatch('claimed')
    this.#owned = owned
    this.#host.onClaimed(owned)
    owner.observe(() => {
      this.#host.onCommit(owner)
      if (this.#owned === owned) this.#committed(owner)
    })
    this.#committed(owner)
  }

  #committed(owner: RunOwner): void {
    if (owner.over) this.dispatch('over')
    else this.dispatch(owner.waits ? 'waiting' : 'moved')
  }

  #startRelease({ owner, launcher }: OwnedRun): void {
    const release = async () => {
      const stopped = launcher.release()
      await owner.close()
      await stopped
      return this.#host.release(owner)
    }
    this.#host.onLeft(owner)
    this.#change = release()
      .catch(() => false)
      .then((isReleased) => this.#endChange(isReleased ? 'released' : 'release-rejected'))
  }

  #recheck(): void {
    this.dispatch('recheck')
    const done = () => this.#host.onRechecked(this.user, this.run)
    void this.#claim?.owner.then(done, (error: unknown) => {
      // A run whose start was not committed after all is no run.
      const isNone = error instanceof TroupeError && error.code === 'run.unknown'
      if (!isNone && !isPassing(error) && !isTakeoverInterrupted(error))
        this.#host.log.warn('this process could not claim a run', { run: this.run, error: error as Error })
      done()
    })
  }
}
