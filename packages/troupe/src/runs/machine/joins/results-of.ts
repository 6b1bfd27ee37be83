/** The results that a join passes to its agent. */

import { byOrder } from '../branches/branches-slice.ts'
import type { Result } from '../machine-events.ts'
import type { JoinState } from './joins-slice.ts'

/** Returns the results of a join in the order of invocation, with failures unless the policy omits them. */
export function resultsOf(joinState: JoinState): readonly Result[] {
  const all =
    joinState.kind === 'fork'
      ? joinState.slots.map((slot) => ({ ...(slot.result as Result), request: slot.request }))
      : [...joinState.arrivals].sort(byOrder).map((arrival) => arrival.result)
  return joinState.onFailure === 'continue' ? all.filter((result) => result.success) : all
}
