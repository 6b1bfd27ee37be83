/** How much slower this machine is now than the one on which the limits of the fuzzer were set. */

/** Processor time of the work in ms on that machine, when it was idle. */
const referenceMs = 52
const rounds = 5

function work(): number {
  let length = 0
  for (let i = 0; i < 100_000; i++)
    length += Object.keys(JSON.parse(JSON.stringify({ id: `message ${i}`, to: { i } }))).length
  return length
}

/** Returns 1 on a machine that is as fast as that one, or faster. The least of the rounds counts: others share the machine. */
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
