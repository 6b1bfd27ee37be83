/** The names of the journals of a run: one row of `work` routes all that arrives for them. */
import { hashText } from '../core/index.ts'
import type { JournalId } from './journal-port.ts'

export const runJournal = (run: string): string => `run:${run}`
/** A run's id is any text, and a step's holds slashes: those of the run's are written so that the first one ends it. */
export const stepJournal = (run: string, step: string): string => `step:${escapeRun(run)}/${step}`

export const escapeRun = (run: string): string => run.replaceAll('%', '%25').replaceAll('/', '%2F')
const readRun = (text: string) => text.replaceAll('%2F', '/').replaceAll('%25', '%')

/** The run that a journal belongs to, and its step where it is a step's; undefined for other journals. */
export function journalOwnerOf(journal: string): { readonly run: string; readonly step?: string } | undefined {
  if (journal.startsWith(runPrefix)) return { run: journal.slice(runPrefix.length) }
  if (!journal.startsWith('step:')) return undefined
  const at = journal.indexOf('/')
  if (at < 0) return undefined
  return { run: readRun(journal.slice('step:'.length, at)), step: journal.slice(at + 1) }
}

/** The prefix of the ids of journals of runs, which no other id has. */
export const runPrefix = 'run:'

/** Returns the journal whose row of `work` counts the arrivals of this one: for a step of a run, that of the run. */
export function workJournal(journal: JournalId): JournalId {
  const owner = journalOwnerOf(journal)
  return owner?.step === undefined ? journal : runJournal(owner.run)
}

export const workShards = 256

/** Where the work of a user is looked for among that which has no owner. */
export const shardOf = (user: string): number => Number.parseInt(hashText(user).slice(0, 2), 16)
