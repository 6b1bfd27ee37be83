/** The tables of this room, as Kysely sees them; `migrations.ts` makes them. */

export interface DurableTables {
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
    /** Form of the body; 0 marks the room's own records (take-overs), which readers never see. */
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
  timers: { user_id: string; timer_id: string; journal_id: string; name: string; due: number; body: string }
  uncertain_effects: { user_id: string; journal_id: string; call: string; effect: string; since: number }
  // Work tables: content-free, read over all users.
  inbox_arrivals: { id: number; user_id: string; journal_id: string }
  timers_due: { user_id: string; timer_id: string; due: number }
  journals_ended: { user_id: string; journal_id: string; at: number }
}
