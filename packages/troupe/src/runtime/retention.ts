/** How long what is over is kept, and what goes with it. */
import type { Conversations } from '../agents/index.ts'
import { failure, milliseconds, type UserId } from '../core/index.ts'
import { type JournalRetention, type Journals, sweepRateLimits } from '../durable/index.ts'
import { conversationsBelow, type EndedRuns, journalsBelow } from '../orchestration/index.ts'
import type { Storage } from '../storage/index.ts'
import type { Retention } from './config.ts'
import type { Sweep } from './housekeeping.ts'

/** ms after the end of a run. */
export interface KeptFor {
  readonly replay: number
  readonly runs: number
}

/** @throws ValidationError where results would go before the journals they come from */
export function keptFor({ replay, runs }: Retention = {}): KeptFor {
  const kept = {
    replay: milliseconds(replay ?? '30d', 'retention.replay'),
    runs: milliseconds(runs ?? '365d', 'retention.runs'),
  }
  if (kept.runs >= kept.replay) return kept
  const problem = `a run cannot go before its journal: ${runs ?? '365d'} is less than retention.replay, ${replay ?? '30d'}`
  throw failure('validation.failed', { what: 'retention.runs', problem })
}

/** A run's journal takes those of its steps along, and what was said in them. */
export const journalRetention = ({ replay }: KeptFor, conversations: Conversations): JournalRetention => ({
  closedMs: replay,
  below: journalsBelow,
  also(user: UserId, journal) {
    const prefix = conversationsBelow(journal)
    return prefix === undefined ? [] : conversations.forgetBelow(user, prefix).statements
  },
})

/** @param parts `bare`: the storage without encryption over it */
export const sweepsOf = ({
  journals,
  endedRuns,
  bare,
}: {
  readonly journals: Journals
  readonly endedRuns: EndedRuns
  readonly bare: Storage
}): readonly Sweep[] => [
  { what: 'ended journals', sweep: (most) => journals.sweep(most) },
  { what: 'ended runs', sweep: (most) => endedRuns.sweep(most) },
  { what: 'rate limits', sweep: () => sweepRateLimits(bare) },
]
