/** What a join hands to the agent that meets there. */

import { byOrder } from '../branches/branches-slice.ts'
import type { Result } from '../machine-events.ts'
import type { JoinState } from './joins-slice.ts'

/** Returns what has met at a join, in order of invocation; failures too, unless the policy is to go on without them. */
export function resultsOf(joinState: JoinState): readonly Result[] {
  const all =
    joinState.kind === 'fork'
      ? joinState.slots.map((slot) => ({ ...(slot.result as Result), request: slot.request }))
      : [...joinState.arrivals].sort(byOrder).map((arrival) => arrival.result)
  return joinState.onFailure === 'continue' ? all.filter((result) => result.success) : all
}
