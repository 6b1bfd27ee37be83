/** Notices an agent that makes the same call again and again and is told the same each time. */
import { hashJson, type Json } from '../../core/index.ts'
import type { Services } from '../services-port.ts'

export interface RepetitionLimits {
  /** From this equal call on the result comes back with a remark; 3 by default. */
  readonly nudge: number
  /** This equal call ends the step; 5 by default. */
  readonly stop: number
}

/**
 * Counts within one step, whose calls come in the same order on re-entry. A call that brings something new begins its
 * count anew, and so does one between whose looks another call brought something new: polling is no repetition, nor is
 * looking again after something was done.
 */
export function createRepetitionGuard(
  limits: RepetitionLimits = { nudge: 3, stop: 5 },
): NonNullable<Services['repetition']> {
  const seen = new Map<string, { readonly result: string; readonly count: number; readonly learnt: number }>()
  const known = new Set<string>()
  return (agent: string, tool: string, args: Json, result: Json) => {
    const call = hashJson([agent, tool, args])
    const resultHash = hashJson(result)
    known.add(`${call} ${resultHash}`)
    const learnt = known.size
    const before = seen.get(call)
    const count = before?.result === resultHash && before.learnt === learnt ? before.count + 1 : 1
    seen.set(call, { result: resultHash, count, learnt })
    const verdict = count >= limits.stop ? 'stop' : count >= limits.nudge ? 'nudge' : 'go'
    return { verdict, used: count, limit: limits.stop }
  }
}
