/**
 * Why a run stands as it does, in plain sentences with the events they rest on: what it waits for, why it failed, which
 * guard it tripped, where its cost and its time went, and why it took the way it took.
 */
import type { NumberedEvent } from '../orchestra/run-event.ts'
import { becauseOf } from './because.ts'
import type { PastRun } from './past-run.ts'
import { saidOfCost } from './said-of-cost.ts'
import { saidOfFailure } from './said-of-failure.ts'
import { saidOfPath } from './said-of-path.ts'
import { saidOfTime } from './said-of-time.ts'
import { type Standings, saidOfWaits } from './said-of-waits.ts'
import type { Sentence } from './sentence.ts'

export interface Why {
  readonly status: string
  readonly reason?: string
  readonly sentences: readonly Sentence[]
  /** The events that led there, in their order. */
  readonly because: readonly NumberedEvent[]
}

/** What the journal does not say itself. */
export interface Held extends Holder {
  /** How runs stand that its steps have started, as far as they are not over. */
  readonly below?: Standings
}
interface Holder {
  /** How often another process took it up. */
  readonly takeOvers: number
  /** Who wrote it last. */
  readonly owner: string
  /** A living process other than this one has it. */
  readonly elsewhere: boolean
}

/** @param now ms since 1970, for what is not over */
export function explain(
  past: PastRun,
  standing: { readonly status: string; readonly reason: string | null },
  now: number,
  held?: Held,
): Why {
  const { status, reason } = standing
  return {
    status,
    ...(reason === null ? {} : { reason }),
    sentences: [
      ...saidOfWaits(past, now, held?.below),
      ...saidOfFailure(past, status),
      ...saidOfPath(past),
      ...saidOfCost(past),
      ...saidOfTime(past, now),
      ...(held ? saidOfHolder(held) : []),
    ],
    because: becauseOf(past.events, status),
  }
}

function saidOfHolder({ takeOvers, owner, elsewhere }: Holder): readonly Sentence[] {
  const often = takeOvers === 1 ? 'once' : `${takeOvers} times`
  return [
    ...(takeOvers > 0
      ? [
          {
            about: 'taken over' as const,
            text: `It was taken up anew ${often}, after a restart, a crash or a wait, the last time by ${owner}.`,
          },
        ]
      : []),
    ...(elsewhere
      ? [
          {
            about: 'elsewhere' as const,
            text: `Another process, ${owner}, carries it on: what it is told is handed there.`,
          },
        ]
      : []),
  ]
}
