/**
 * The ownership of a run in this process: six states, seventeen triggers, and a transition for each pair.
 *
 * - `unclaimed`: the process does not own the run; no object exists for it.
 * - `claiming`: a claim is in progress, and its outcome is not known.
 * - `claimed`: the process owns the run and executes it.
 * - `idle`: the process owns the run, and each branch of it waits for something outside.
 * - `releasing`: the change that gives the run back is in progress.
 * - `lost`: the process has lost the run, or cannot know whether it has; it reads the durable state again.
 */
export const ownershipStates = ['unclaimed', 'claiming', 'claimed', 'idle', 'releasing', 'lost'] as const
export type RunOwnershipState = (typeof ownershipStates)[number]

export const ownershipTriggers = [
  // Requests: each state has an answer to them.
  'claim',
  'input',
  'lease-lost',
  'close',
  // Outcomes of a claim: a takeover, or the change that starts the run.
  'claimed',
  'claim-rejected',
  'claim-unknown',
  'claim-outdated',
  // After a commit of the run.
  'moved',
  'waiting',
  'over',
  // After an idle second, and after the change that releases.
  'idle-elapsed',
  'released',
  'release-rejected',
  // After a second in `lost`.
  'recheck',
  // Another process owns the run; the storage failed.
  'fenced',
  'storage-failed',
] as const
export type OwnershipTrigger = (typeof ownershipTriggers)[number]

/** The actions of the process at a transition, in order. */
export type OwnershipAction =
  | 'claim'
  | 'deliver'
  | 'remember-input'
  | 'wait-to-release'
  | 'release'
  | 'recheck-later'
  | 'abandon'
  | 'clear-wakeup'
  | 'stop-steps'
  | 'leave-steps'

export interface OwnershipTransition {
  readonly to: RunOwnershipState
  readonly actions: readonly OwnershipAction[]
}

/** The pair cannot happen; if it does, the code has a defect. */
export const impossibleTransition = 'impossible'

const go = (to: RunOwnershipState, ...actions: readonly OwnershipAction[]): OwnershipTransition => ({ to, actions })

const noClaim = {
  claimed: impossibleTransition,
  'claim-rejected': impossibleTransition,
  'claim-unknown': impossibleTransition,
  'claim-outdated': impossibleTransition,
} as const
const noRelease = {
  'idle-elapsed': impossibleTransition,
  released: impossibleTransition,
  'release-rejected': impossibleTransition,
} as const
/** Reports of a former owner are ignored. */
const noCommit = {
  moved: impossibleTransition,
  waiting: impossibleTransition,
  over: impossibleTransition,
  fenced: impossibleTransition,
  'storage-failed': impossibleTransition,
} as const
const noRecheck = { recheck: impossibleTransition } as const

export const ownershipTransitions: {
  readonly [S in RunOwnershipState]: {
    readonly [T in OwnershipTrigger]: OwnershipTransition | typeof impossibleTransition
  }
} = {
  unclaimed: {
    ...noClaim,
    ...noRelease,
    ...noRecheck,
    ...noCommit,
    claim: go('claiming', 'claim'),
    input: go('claiming', 'claim'),
    'lease-lost': go('unclaimed'),
    close: go('unclaimed'),
  },
  claiming: {
    ...noRelease,
    ...noRecheck,
    ...noCommit,
    claim: go('claiming'),
    input: go('claiming', 'remember-input'),
    // The run may be claimed under the new name of this process: the outcome says so.
    'lease-lost': go('claiming'),
    // The process closes when the outcome is known.
    close: impossibleTransition,
    claimed: go('claimed'),
    'claim-rejected': go('unclaimed'),
    'claim-unknown': go('lost', 'recheck-later'),
    'claim-outdated': go('unclaimed', 'abandon'),
  },
  claimed: {
    ...noClaim,
    ...noRelease,
    ...noRecheck,
    claim: go('claimed'),
    input: go('claimed', 'deliver'),
    'lease-lost': go('unclaimed', 'stop-steps'),
    close: go('unclaimed'),
    moved: go('claimed'),
    waiting: go('idle', 'wait-to-release'),
    over: go('unclaimed', 'leave-steps'),
    fenced: go('lost', 'stop-steps', 'recheck-later'),
    'storage-failed': go('lost', 'leave-steps', 'recheck-later'),
  },
  idle: {
    ...noClaim,
    ...noRecheck,
    released: impossibleTransition,
    'release-rejected': impossibleTransition,
    claim: go('idle'),
    input: go('idle', 'deliver'),
    'lease-lost': go('unclaimed', 'clear-wakeup', 'stop-steps'),
    close: go('unclaimed', 'clear-wakeup'),
    moved: go('claimed', 'clear-wakeup'),
    waiting: go('idle', 'wait-to-release'),
    over: go('unclaimed', 'clear-wakeup', 'leave-steps'),
    'idle-elapsed': go('releasing', 'release'),
    fenced: go('lost', 'clear-wakeup', 'stop-steps', 'recheck-later'),
    'storage-failed': go('lost', 'clear-wakeup', 'leave-steps', 'recheck-later'),
  },
  releasing: {
    ...noClaim,
    ...noRecheck,
    ...noCommit,
    // A claim waits for the release and follows it.
    claim: go('releasing'),
    // A run that got a message is not released, or is due at once.
    input: go('releasing'),
    // The change names the process as which the run was claimed.
    'lease-lost': go('releasing'),
    // The process closes when the outcome is known.
    close: impossibleTransition,
    'idle-elapsed': impossibleTransition,
    released: go('unclaimed'),
    'release-rejected': go('claiming', 'claim'),
  },
  lost: {
    ...noClaim,
    ...noRelease,
    ...noCommit,
    claim: go('claiming', 'clear-wakeup', 'claim'),
    input: go('claiming', 'clear-wakeup', 'claim'),
    'lease-lost': go('unclaimed', 'clear-wakeup'),
    close: go('unclaimed', 'clear-wakeup'),
    recheck: go('claiming', 'claim'),
  },
}

export class OwnershipError extends Error {
  override readonly name = 'OwnershipError'
}

/** @throws OwnershipError for a pair that cannot happen */
export function nextOwnership(state: RunOwnershipState, trigger: OwnershipTrigger): OwnershipTransition {
  const transition = ownershipTransitions[state][trigger]
  if (transition === impossibleTransition) throw new OwnershipError(`A run that is ${state} here got ${trigger}.`)
  return transition
}
