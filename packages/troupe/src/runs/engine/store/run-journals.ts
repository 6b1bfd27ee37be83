/** The names of a run's journals, and of its trace. */
import { traceOf, type UserId } from '../../../core/index.ts'

export const runJournal = (run: string): string => `run:${run}`
/** A run's id is any text, and a step's holds slashes: those of the run's are written so that the first one ends it. */
export const stepJournal = (run: string, step: string): string => `step:${escapeRun(run)}/${step}`

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

const escapeRun = (run: string) => run.replaceAll('%', '%25').replaceAll('/', '%2F')
const readRun = (text: string) => text.replaceAll('%2F', '/').replaceAll('%25', '%')

/** The run that a journal belongs to, and its step where it is a step's; undefined for other journals. */
export function journalOwnerOf(journal: string): { readonly run: string; readonly step?: string } | undefined {
  if (journal.startsWith('run:')) return { run: journal.slice(4) }
  if (!journal.startsWith('step:')) return undefined
  const at = journal.indexOf('/')
  return { run: readRun(journal.slice(5, at)), step: journal.slice(at + 1) }
}
