/** The names of a run's journals and threads. */
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
