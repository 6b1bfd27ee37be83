/**
 * What a rate is by. What waits for nothing but the processor is counted by the time of the processor, which other programs
 * on the machine touch less; what waits for a disk or a server by the wall's.
 */
export type Spent = () => number

/** ms */
export const wall: Spent = () => performance.now()
/** ms of all threads of this process */
export const processor: Spent = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

const often = 32

/**
 * So many at once, each after the other.
 * @param after what they left to do, which counts too
 * @returns operations per second
 */
export async function perSecond(
  concurrency: number,
  forMs: number,
  spent: Spent,
  act: (n: number) => Promise<unknown>,
  after?: () => Promise<unknown>,
): Promise<number> {
  const began = spent()
  let next = 0
  let over = false
  const worker = async () => {
    while (!over) {
      await act(next++)
      // Asking what the processor spent costs as much as a get.
      if (next % often === 0) over = spent() - began > forMs
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  await after?.()
  return (next / (spent() - began)) * 1_000
}
