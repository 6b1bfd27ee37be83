/** The names of a run's conversations, and of its trace. */
import { traceOf, type UserId } from '../../../core/index.ts'
import { escapeRun, journalOwnerOf, runJournal, stepJournal } from '../../../journal/index.ts'

export { journalOwnerOf, runJournal, stepJournal }

/** Of W3C Trace Context: the id of a run's trace, which goes on in what its steps write and send. */
export const traceIdOf = (user: UserId, run: string): string => traceOf(user, runJournal(run), run).traceId

/** What the ids of journals begin with that go with this one: of a run, those of its steps and of what undoes them. */
export function childJournalPrefixes(journal: string): readonly string[] {
  const owner = journalOwnerOf(journal)
  if (!owner || owner.step !== undefined) return []
  const steps = stepJournal(owner.run, '')
  return [steps, `undo:${steps}`]
}

/** Conversations of a run: each branch at each node has its own. */
export const threadOf = (run: string, branchNode: string): string => `run:${escapeRun(run)}/${branchNode}`
/** What the names of all conversations of the run begin with that a journal is of; undefined for other journals. */
export function threadPrefix(journal: string): string | undefined {
  const owner = journalOwnerOf(journal)
  return owner && owner.step === undefined ? threadOf(owner.run, '') : undefined
}
