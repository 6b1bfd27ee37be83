/**
 * Why a run stands as it does, in plain sentences with the events they rest on: what it waits for, why it failed, which
 * guard it tripped, where its cost and its time went, and why it took the way it took.
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

export interface RunExplanation {
  readonly status: string
  readonly reason?: string
  readonly sentences: readonly ExplanationLine[]
  /** The events that led there, in their order. */
  readonly causes: readonly NumberedEvent[]
}

/** What the journal does not say itself. */
export interface OwnershipState extends Holder {
  /** How runs stand that its steps have started, as far as they are not over. */
  readonly childStates?: ChildRunStatuses
  /** Effects of steps of a run that is over, where they had been uncertain. */
  readonly effects?: EffectsByStep
  /** What a policy decided in its steps. */
  readonly decisions?: DecisionsByStep
}
interface Holder {
  /** How often another process took it up. */
  readonly takeovers: number
  /** Who wrote it last. */
  readonly owner: string
  /** A living process other than this one has it. */
  readonly isOwnedByOther: boolean
}

/** @param now ms since 1970, for what is not over */
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
            text: `It was taken up anew ${often}, after a restart, a crash or a wait, the last time by ${owner}.`,
          },
        ]
      : []),
    ...(isOwnedByOther
      ? [
          {
            about: 'other-process' as const,
            text: `Another process, ${owner}, carries it on: what it is told is handed there.`,
          },
        ]
      : []),
  ]
}
