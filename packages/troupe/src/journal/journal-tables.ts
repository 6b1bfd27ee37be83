/** The tables of this module as Kysely sees them, with the columns that are content; the migrations create them. */
import type { ContentNames, UserTable } from '../storage/index.ts'
import { requestsTable } from './requests/request-statements.ts'

export interface JournalTables {
  /** Heads: one row per journal, outliving its records. */
  journals: {
    user_id: string
    journal_id: string
    kind: string
    head: number
    epoch: number
    owner: string
    /** The epoch that a cancel took the right to write from: that writer may still record results of effects. */
    fenced: number | null
    bytes: number
    closed_at: number | null
  }
  journal_records: {
    user_id: string
    journal_id: string
    seq: number
    at: number
    /** The form of the body; 0 for records of this module (take-overs), which readers never see. */
    version: number
    body: string | null
    /** Where the body is a large value instead. */
    blob: string | null
  }
  journal_snapshots: {
    user_id: string
    journal_id: string
    seq: number
    version: number
    state: string | null
    blob: string | null
  }
  inbox: { user_id: string; journal_id: string; id: number; from_id: string; name: string; body: string }
  timers: {
    user_id: string
    timer_id: string
    journal_id: string
    /** The journal whose row of `work` counts the arrival. */
    work_journal: string
    name: string
    due: number
    body: string
  }
  uncertain_effects: { user_id: string; journal_id: string; call: string; effect: string; since: number }
  // Work tables: content-free, read over all users.
  work: {
    shard: number
    user_id: string
    journal_id: string
    /** The process that owns the run, as `processes` names it; empty if there is none. */
    owner: string
    /** Without an owner: from when on a process may claim the run, ms since 1970; null while it waits. */
    due_at: number | null
    /** 1 where something came that the owner may not have read. */
    woken: number
    /** How many rows were put into the inbox so far; those of the steps of a run count here too. */
    arrivals: number
    /** The newest form of records that the run was carried on with. */
    form: number
  }
  processes: { process_id: string; lease_until: number }
  timers_due: { user_id: string; timer_id: string; due: number }
  journals_ended: { user_id: string; journal_id: string; at: number; delete_at: number | null }
}

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
export const inboxContent = (journal: string, from: string, name = 'name'): ContentNames => ({
  body: ['inbox', journal, from, name],
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
