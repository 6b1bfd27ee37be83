/** Takes over a run that no process with a valid lease owns, in one change with the claim of its journal. */

import type { Agent } from '../../../agents/index.ts'
import { failure, TimeSlice, type UserId } from '../../../core/index.ts'
import { runJournal } from '../../../journal/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import { foldRunInParts } from '../execution/fold-run.ts'
import { RunOwner } from '../execution/run-owner.ts'
import { StepLauncher } from '../execution/steps/step-launcher.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { RunRow } from '../store/run-store.ts'
import type { OwnedRun } from './run-ownership.ts'

/**
 * @param codeOf returns the code of the run's agents
 * @throws ConflictError `run.over`, `run.not_owned`, `run.agents_missing`, `journal.newer`
 */
export async function takeOverRun(
  parts: OrchestraParts,
  { user, row }: { readonly user: UserId; readonly row: RunRow },
  codeOf: (pinned: Pinned) => ReadonlyMap<string, Agent>,
): Promise<OwnedRun> {
  const { clock } = parts.platform
  const { journals } = parts.journal
  const { store } = parts.stores
  const { run } = row
  if (row.endedAt !== null) throw failure('run.over', { run, status: row.status })
  const owned = await store.holderOf(user, run)
  if (owned?.holder === 'other-process') throw failure('run.not_owned', { run })
  if (owned && owned.form > journals.form)
    throw failure('journal.newer', { journal: runJournal(run), found: owned.form, known: journals.form })
  // The code is checked before the takeover: a process without the code must not take the run from one that has it.
  const before = await journals.load(user, runJournal(run))
  if (!before) throw failure('run.unknown', { run })
  const slice = new TimeSlice(clock)
  const agents = codeOf((await slice.finish(foldRunInParts(before))).pinned)
  const claim = [store.claim(user, run)]
  const { writer, content } = await journals.takeOver(user, runJournal(run), clock.now(), claim)
  const folded = await slice.finish(foldRunInParts(content))
  const launcher = new StepLauncher(parts, { user, run, pinned: folded.pinned, agents })
  return { owner: new RunOwner(parts, { user, run, writer, launcher, isClaimed: true, ...folded }), launcher }
}
