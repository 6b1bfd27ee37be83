/**
 * Explains the status of a run in sentences, each with its event: what the run waits for, why it failed, which guard ended
 * it, where its cost and time went, and why it took its path.
 */
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { PastRun } from '../past-run.ts'
import { causesOf } from './causes.ts'
import { explainCost } from './explain-cost.ts'
import { explainFailure } from './explain-failure.ts'
import { explainPath } from './explain-path.ts'
import { type DecisionsByStep, explainPolicy } from './explain-policy.ts'
import { explainTime } from './explain-time.ts'
import { type EffectsByStep, explainUncertain } from './explain-uncertain.ts'
import { type ChildRunStatuses, explainWaits } from './explain-waits.ts'
import type { ExplanationLine } from './explanation-line.ts'

/** The explanation of a run, as `orchestra.why` returns it. */
export interface RunExplanation {
  /** The status of the run. */
  readonly status: string
  /** Why the run waits; absent otherwise. */
  readonly reason?: string
  /**
   * The sentences, in this order: what the run waits for, uncertain effects, decisions of policies, the failure, the
   * path, the cost, slow steps, and the owner.
   */
  readonly sentences: readonly ExplanationLine[]
  /** The events that led to the status, in their order. */
  readonly causes: readonly NumberedEvent[]
}

/** Facts that the journal of the run does not record. */
export interface OwnershipState extends Holder {
  /** The statuses of the child runs that have not ended. */
  readonly childStates?: ChildRunStatuses
  /** The effects of an ended run that were uncertain. */
  readonly effects?: EffectsByStep
  /** The decisions of policies in its steps. */
  readonly decisions?: DecisionsByStep
}
interface Holder {
  /** The number of takeovers by another process. */
  readonly takeovers: number
  /** The process that wrote the journal last. */
  readonly owner: string
  /** Another process with a valid lease owns the run. */
  readonly isOwnedByOther: boolean
}

/** @param now ms since 1970, for durations that have not ended */
export function explain(
  past: PastRun,
  current: { readonly status: string; readonly reason: string | null },
  now: number,
  ownership?: OwnershipState,
): RunExplanation {
  const { status, reason } = current
  return {
    status,
    ...(reason === null ? {} : { reason }),
    sentences: [
      ...explainWaits(past, now, ownership?.childStates),
      ...explainUncertain(past, ownership?.effects),
      ...explainPolicy(past, ownership?.decisions),
      ...explainFailure(past, status),
      ...explainPath(past),
      ...explainCost(past),
      ...explainTime(past, now),
      ...(ownership ? explainOwner(ownership) : []),
    ],
    causes: causesOf(past.events, status),
  }
}

function explainOwner({ takeovers, owner, isOwnedByOther }: Holder): readonly ExplanationLine[] {
  const often = takeovers === 1 ? 'once' : `${takeovers} times`
  return [
    ...(takeovers > 0
      ? [
          {
            about: 'takeover' as const,
            text: `After a restart, a crash or a wait it was claimed by another process ${often}, the last time by ${owner}.`,
          },
        ]
      : []),
    ...(isOwnedByOther
      ? [
          {
            about: 'other-process' as const,
            text: `Another process, ${owner}, owns it: commands are passed on to it.`,
          },
        ]
      : []),
  ]
}
