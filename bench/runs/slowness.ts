/**
 * How much slower this machine is now than the one on which the limits of the benches were set: the processor time of a
 * fixed piece of work (JSON, SHA-256 and small objects, as a commit does) divided by its time there. The least of the
 * rounds counts, so that a moment of other load does not widen a limit.
 */
import { createHash } from 'node:crypto'

/** Processor time of the work in ms on the idle machine whose figures docs/performance.md gives. */
const referenceMs = 92
const rounds = 5

function work(): number {
  let length = 0
  for (let i = 0; i < 50_000; i++) {
    const text = JSON.stringify({ id: `message-${i}`, to: 'Reader', payload: { i, tags: ['a', 'b', `c${i}`] } })
    length += createHash('sha256').update(text).digest('hex').length + Object.keys(JSON.parse(text)).length
  }
  return length
}

/** Returns 1 on a machine that is as fast as that one, or faster. */
export function slowness(): number {
  let leastMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < rounds; i++) {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    leastMs = Math.min(leastMs, (user + system) / 1_000)
  }
  return Math.max(1, leastMs / referenceMs)
}
