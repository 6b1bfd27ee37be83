/** The inputs of a run besides its task. */
import type { Json, UserId } from '../../core/index.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'
import { readRetainedRecords } from '../engine/store/retained-records.ts'
import type { RunRow } from '../engine/store/run-store.ts'
import { dataAccessOf } from '../history/data-access.ts'
import { PastRun } from '../history/past-run.ts'
import { recordedCallsOf } from './recorded-calls.ts'

/** Returns the context entries that a run has read, and the results of its tools and effects. */
export async function sourcesOf({ parts }: OrchestraHost, user: UserId, row: RunRow): Promise<readonly Json[]> {
  const past = PastRun.of(row.run, await readRetainedRecords(parts, user, row))
  const from = { user, past, journals: parts.journal.journals, context: parts.agents.mesh.host(user) }
  const { context } = await dataAccessOf(from, past.events.length)
  const calls = await recordedCallsOf(parts, user, row)
  return [...context.reads, ...calls.map(({ output: value }) => ({ value }))].flatMap(({ value }) =>
    value === undefined ? [] : [value],
  )
}
