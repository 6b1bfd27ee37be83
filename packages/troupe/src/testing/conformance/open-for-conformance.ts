/** What the author of a storage engine provides to the conformance suite. */
import type { VirtualClock } from '../../core/index.ts'
import type { Migration, Storage } from '../../storage/index.ts'

/**
 * Opens an empty storage; the suite closes it.
 * @param options.migrations the migrations that create the tables of the suite
 * @param options.clock the clock from which the storage takes the time of commits
 */
export type OpenForConformance = (options: {
  readonly migrations: readonly Migration[]
  readonly clock: VirtualClock
}) => Promise<Storage>
