/** Looks for the fewest faults with which a seed fails: it leaves out halves, then smaller parts of them, as ddmin does. */
import type { SeedReport } from './run-seed.ts'

/**
 * @param execute executes the seed with these faults alone; undefined if there is no time left
 * @returns the failed execution with the fewest faults; undefined if the seed does not fail alone
 */
export async function shrinkSeed(
  { faults }: SeedReport,
  execute: (only: readonly string[]) => Promise<SeedReport | undefined>,
): Promise<SeedReport | undefined> {
  const failing = async (only: readonly string[]) => {
    const report = await execute(only)
    return report?.failure === undefined ? undefined : report
  }
  let smallest = (await failing([])) ?? (faults.length > 0 ? await failing(faults) : undefined)
  if (!smallest) return undefined
  for (let size = Math.ceil(smallest.faults.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < smallest.faults.length; ) {
      const rest: readonly string[] = smallest.faults.toSpliced(at, size)
      const report = rest.length === 0 ? undefined : await failing(rest)
      if (report) smallest = report
      else at += size
    }
  return smallest
}
