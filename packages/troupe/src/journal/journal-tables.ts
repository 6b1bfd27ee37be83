/** The tables of this module with the columns that are content; the migrations create them. */
import type { ContentNames, UserTable } from '../storage/index.ts'
import { requestsTable } from './requests/request-statements.ts'

/** @param journal the name that the statement has for the id of the journal */
export const recordContent = (journal: string): ContentNames => ({
  body: ['journal.record', journal, 'seq'],
  blob: ['journal.record.large', journal, 'seq'],
})
export const snapshotContent = (journal: string): ContentNames => ({
  state: ['journal.snapshot', journal, 'seq'],
  blob: ['journal.snapshot.large', journal, 'seq'],
})
/** The item that a timer writes into an inbox has its final location from the start. */
export const inboxContent = (journal: string, from: string): ContentNames => ({
  body: ['inbox', journal, from, 'name'],
})

export const journalTables: readonly UserTable[] = [
  { name: 'journals', key: ['journal_id'] },
  { name: 'journal_records', key: ['journal_id', 'seq'], content: recordContent('journal_id') },
  { name: 'journal_snapshots', key: ['journal_id'], content: snapshotContent('journal_id') },
  { name: 'timers', key: ['timer_id'], content: inboxContent('journal_id', '=timer') },
  { name: 'inbox', key: ['journal_id', 'id'], content: inboxContent('journal_id', 'from_id') },
  { name: 'uncertain_effects', key: ['journal_id', 'call'] },
  { name: 'work', key: ['journal_id'] },
  { name: 'timers_due', key: ['timer_id'] },
  { name: 'journals_ended', key: ['journal_id'] },
  requestsTable,
].map((table) => ({ module: 'journal', ...table }))
