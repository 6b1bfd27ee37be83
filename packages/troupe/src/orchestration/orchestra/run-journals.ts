/** The names of a run's journals. */
export const runJournal = (run: string): string => `run:${run}`
export const stepJournal = (run: string, step: string): string => `step:${run}/${step}`

/** The run that a journal belongs to, and its step where it is a step's; undefined for other journals. */
export function ownerOf(journal: string): { readonly run: string; readonly step?: string } | undefined {
  if (journal.startsWith('run:')) return { run: journal.slice(4) }
  if (!journal.startsWith('step:')) return undefined
  const at = journal.indexOf('/')
  return { run: journal.slice(5, at), step: journal.slice(at + 1) }
}
