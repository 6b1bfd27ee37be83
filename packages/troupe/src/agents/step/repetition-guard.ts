/** Detects an agent that repeats a call and gets the same result each time. */
import { hashJson, type Json } from '../../core/index.ts'
import type { Services } from '../services-port.ts'

export interface RepetitionLimits {
  /** The number of equal calls from which on the result includes a notice; 3 by default. */
  readonly nudge: number
  /** This equal call ends the step; 5 by default. */
  readonly stop: number
}

/**
 * Counts equal calls of one step, which have the same order in a replay. A new result restarts the count of its call,
 * and a new result of another call in between does too, so that polling, and a check after an action, are not
 * repetitions.
 */
export function createRepetitionGuard(
  limits: RepetitionLimits = { nudge: 3, stop: 5 },
): NonNullable<Services['limits']['repetition']> {
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
