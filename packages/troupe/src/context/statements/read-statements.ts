/** The statements of the reads of the mesh, compiled once. Each returns only rows that its reader may see, unless noted. */
import { sql } from 'kysely'
import { type Dialect, largeBytes, type Now } from '../../storage/index.ts'
import { createListStatement, type ListScope } from './list-statement.ts'
import { among, columns, columnsUpTo, each, entryTemplates, live, type ReaderValues, visible } from './visibility.ts'

export const createReadStatements = (dialect: Dialect) => ({
  ...entryReads(dialect),
  list: createListStatement(dialect),
  ...feedReads(dialect),
  ...topicReads(dialect),
  ...maintenanceReads(dialect),
})

export type ReadStatements = ReturnType<typeof createReadStatements>

function entryReads(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  const from = (p: ReaderValues & { key: string }) => sql`from context_entries e
    where e.user_id = ${p.user} and e.key = ${p.key} and ${live(p)} and ${visible(dialect, p)}`
  return {
    value: raw<ReaderValues & { key: string }>((p) => sql`select e.value, e.change ${from(p)}`),
    /** The value with its audience and its expiry. */
    audience: raw<ReaderValues & { key: string }>(
      (p) => sql`select e.value, e.change, e.owner, e.audience, e.everyone, e.expires_at ${from(p)}`,
    ),
    versioned: raw<ReaderValues & { key: string }>(
      (p) => sql`select e.value, e.change, e.version, e.taint, e.provenance ${from(p)}`,
    ),
    change: raw<ReaderValues & { key: string }>((p) => sql`select e.change ${from(p)}`),
    entry: raw<ReaderValues & { key: string }>((p) => sql`select ${columns} ${from(p)}`),
    /** The entry, also if it is not visible; for decisions, and never returned to the reader. */
    anyEntry: raw<ListScope & { key: string }>(
      (p) =>
        sql`select ${columns} from context_entries e where e.user_id = ${p.user} and e.key = ${p.key} and ${live(p)}`,
    ),
    /** The last version under this key. A new entry gets the next number. */
    lastVersion: raw<{ user: string; key: string }>(
      (
        p,
      ) => sql`select coalesce((select e.version from context_entries e where e.user_id = ${p.user} and e.key = ${p.key}), 0) as entry,
        coalesce((select t.version from context_tombstones t where t.user_id = ${p.user} and t.key = ${p.key}), 0) as tombstone,
        coalesce((select s.lowest_version from context_state s where s.user_id = ${p.user}), 0) as lowest`,
    ),
    /** The topics to which this agent may not post. */
    closedTo: raw<{ user: string; agent: string }>(
      (p) => sql`select t.grantee from context_topics t where t.user_id = ${p.user} and t.posters_allowed is not null
        and not exists (select 1 from ${each(dialect, sql`t.posters_allowed`, 'n')} where n.value = ${p.agent})`,
    ),
    entries: raw<ReaderValues & { keys: string }>(
      (p) => sql`select ${columns} from context_entries e where e.user_id = ${p.user}
        and e.key ${among(dialect, p.keys)} and ${live(p)} and ${visible(dialect, p)}`,
    ),
    /** The visible ones of these keys. */
    visibleKeys: raw<ReaderValues & { keys: string }>(
      (p) => sql`select e.key from context_entries e where e.user_id = ${p.user}
        and e.key ${among(dialect, p.keys)} and ${live(p)} and ${visible(dialect, p)}`,
    ),
    subscriptions: raw<{ user: string; agent: string }>(
      (p) =>
        sql`select grantee from context_subscriptions where user_id = ${p.user} and agent = ${p.agent} order by grantee`,
    ),
  }
}

function feedReads(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  return {
    history: raw<{ user: string; key: string; after: number; limit: number }>(
      (p) => sql`select ${columns}, e.ended, e.ended_change from context_history e
        where e.user_id = ${p.user} and e.key = ${p.key} and e.version > ${p.after} order by e.version limit ${p.limit}`,
    ),
    /**
     * The versions of a page of the feed: current ones, and those that these writes created or ended. Longer values are null.
     */
    changedEntries: raw<{ user: string; keys: string; now: Now; maxBytes: number }>(
      (
        p,
      ) => sql`select ${columnsUpTo(p.maxBytes)}, case when ${live(p)} then 1 else 0 end as live from context_entries e
        where e.user_id = ${p.user} and e.key ${among(dialect, p.keys)}`,
    ),
    changedHistory: raw<{ user: string; keys: string; changes: string; maxBytes: number }>(
      (
        p,
      ) => sql`select ${columnsUpTo(p.maxBytes)}, e.ended, e.ended_change from context_history e where e.user_id = ${p.user}
        and e.key ${among(dialect, p.keys)}
        and (e.change ${among(dialect, p.changes)}
          or e.ended_change ${among(dialect, p.changes)})`,
    ),
  }
}

function topicReads(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  return {
    /** Entries of a topic, in order, expired ones included. */
    ofTopic: raw<{ user: string; grantee: string; from: string; limit: number; maxBytes: number }>(
      (
        p,
      ) => sql`select ${columnsUpTo(p.maxBytes)} from context_visible v join context_entries e on e.user_id = v.user_id and e.key = v.key
        where v.user_id = ${p.user} and v.grantee = ${p.grantee} and v.key >= ${p.from} order by v.key limit ${p.limit}`,
    ),
    topics: raw<{ user: string; from: string; limit: number }>(
      (p) => sql`select t.grantee, t.subscribers_allowed, t.posters_allowed,
        (select count(*) from context_subscriptions s where s.user_id = t.user_id and s.grantee = t.grantee) as subscribers
        from context_topics t where t.user_id = ${p.user} and t.grantee >= ${p.from} order by t.grantee limit ${p.limit}`,
    ),
    subscribers: raw<{ user: string; grantee: string }>(
      (p) =>
        sql`select agent from context_subscriptions where user_id = ${p.user} and grantee = ${p.grantee} order by agent`,
    ),
  }
}

function maintenanceReads(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  return {
    state: raw<{ user: string; now: Now }>(
      (p) => sql`select s.entries, s.bytes,
        (select count(*) from context_entries e where e.user_id = s.user_id and e.expires_at <= ${p.now}) as expired,
        (select count(*) from context_topics t where t.user_id = s.user_id) as topics
        from context_state s where s.user_id = ${p.user}`,
    ),
    expired: raw<{ user: string; now: Now; limit: number }>(
      (p) => sql`select e.key, e.change from context_entries e
        where e.user_id = ${p.user} and e.expires_at <= ${p.now} order by e.expires_at limit ${p.limit}`,
    ),
    oldTombstones: raw<{ user: string; before: Now; limit: number }>(
      (p) => sql`select t.key, t.version from context_tombstones t
        where t.user_id = ${p.user} and t.at <= ${p.before} order by t.at limit ${p.limit}`,
    ),
    /** The references to large values in versions that are deleted. */
    historyValues: raw<{ user: string; key: string; version: number }>(
      (p) => sql`select e.change from context_history e where e.user_id = ${p.user} and e.key = ${p.key}
        and e.version <= ${p.version} and e.stored > ${largeBytes}`,
    ),
    work: raw<{ limit: number; after: string }>(
      (p) => sql`select user_id from context_work where user_id > ${p.after} order by user_id limit ${p.limit}`,
    ),
  }
}
