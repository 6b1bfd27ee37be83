/** The names of a run's journals and threads, and its key in this process. */
import type { UserId } from '../../../core/index.ts'
import { escapeRun, journalOwnerOf, stepJournal } from '../../../journal/index.ts'

/** Returns the prefixes of journals that belong to this one: for a run, those of its steps and of their undos. */
export function childJournalPrefixes(journal: string): readonly string[] {
  const owner = journalOwnerOf(journal)
  if (!owner || owner.step !== undefined) return []
  const steps = stepJournal(owner.run, '')
  return [steps, `undo:${steps}`]
}

/** Returns the id of a thread of a run: each branch at each node has its own. */
export const threadOf = (run: string, branchNode: string): string => `run:${escapeRun(run)}/${branchNode}`
/** Returns the prefix of the names of all threads of a run, by the id of its journal; undefined for other journals. */
export function threadPrefix(journal: string): string | undefined {
  const owner = journalOwnerOf(journal)
  return owner && owner.step === undefined ? threadOf(owner.run, '') : undefined
}

/** Returns the key of a run in maps of this process. It starts with the length of the user, since a name may hold any character. */
export const runKey = (user: UserId, run: string): string => `${user.length} ${user}${run}`
