/** Processor time, in ms, for which work held the thread of the server. */

/** Processor time of this thread, ms: what other processes take is not in it. */
const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** For how much processor time the loop of this process, in which the server runs, was held at a stretch. */
export async function heldMs(work: () => Promise<unknown>): Promise<number> {
  let [longest, last] = [0, threadMs()]
  const look = () => {
    const now = threadMs()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(look, 10)
  try {
    await work()
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 20))
    clearInterval(timer)
  }
  return longest
}
