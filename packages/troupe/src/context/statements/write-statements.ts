/** The statements of the writes of the mesh, with the guards that give each rejection its code. */
import { sql } from 'kysely'
import { type Bind, type Dialect, largeBytes, type Now, oneOf } from '../../storage/index.ts'
import {
  among,
  columns,
  each,
  entryTemplates,
  live,
  type Piece,
  type ReaderValues,
  visible,
  writable,
} from './visibility.ts'

interface EntryKey {
  readonly user: string
  readonly key: string
  readonly now: Now
}
export interface PutValues extends EntryKey {
  readonly change: string
  readonly owner: string
  /** JSON texts. */
  readonly audience: string
  readonly everyone: number
  readonly writers: string
  readonly lifecycle: string | null
  readonly ttl: number | null
  readonly value: string
  readonly stored: number
  readonly metadata: string | null
  readonly provenance: string
  readonly taint: string
  /** 1 if the push names it. It then replaces that of an existing entry. */
  readonly namesAudience: number
  readonly namesWriters: number
  readonly namesLifetime: number
  readonly namesMetadata: number
}
type ReplaceValues = Omit<PutValues, 'owner'> & { readonly version: number }

const copied = sql.raw(
  `user_id, key, version, born, change, revision, owner, audience, everyone, writers, lifecycle, ttl_ms, created_at, updated_at,
  expires_at, value, stored, metadata, provenance, taint, ended, ended_at, ended_change`,
)

export function createWriteStatements(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  const at = (p: EntryKey) => sql`e.user_id = ${p.user} and e.key = ${p.key}`
  const greatest = sql.raw(dialect.name === 'sqlite' ? 'max' : 'greatest')
  /** The revision of this change. The storage increments the user's counter by one per change with feed items. */
  const revision = (p: { readonly user: Bind }) =>
    sql`coalesce((select r.revision from storage_revisions r where r.user_id = ${p.user}), 0) + 1`
  return {
    ...guards(dialect, at),
    /** Returns a row if the user exceeds the quota; expired entries do not count. */
    quota: raw<{ user: string; entries: number; bytes: number; now: Now }>(
      (p) => sql`select 1 from context_state s where s.user_id = ${p.user}
        and (s.entries > ${p.entries} or s.bytes > ${p.bytes}) and exists (
          select 1 from (select count(*) as entries, coalesce(sum(e.stored), 0) as bytes from context_entries e
            where e.user_id = ${p.user} and e.expires_at <= ${p.now}) o
          where s.entries - o.entries > ${p.entries} or s.bytes - o.bytes > ${p.bytes})`,
    ),
    /** Saves the version that a removal ends. */
    saveVersion: raw<EntryKey & { change: string; ended: string }>(
      (p) => sql`insert into context_history (${copied}) select e.user_id, ${columns},
        case when ${live(p)} then ${p.ended} else 'expired' end, ${p.now}, ${p.change} from context_entries e where ${at(p)}`,
    ),
    /**
     * Removes the oldest versions that exceed the bound and are not recent; it examines twice as many as are written
     * between two calls.
     */
    prune: raw<EntryKey & { retained: number; maxVersions: number; before: Now }>((p) => {
      const oldest = sql`select h.version, h.ended_at, e.version - ${p.maxVersions} as beyond
          from context_entries e cross join context_history h
          where ${at(p)} and h.user_id = ${p.user} and h.key = ${p.key} and h.version <= e.version - ${p.retained}
            and h.stored <= ${largeBytes} order by h.version limit 32`
      const over = sql`select o.version from (${oldest}) o where o.version <= o.beyond or o.ended_at <= ${p.before}`
      return sql`delete from context_history
          where user_id = ${p.user} and key = ${p.key} and version ${oneOf(dialect, over)}`
    }),
    /** Returns a row: an existing entry is replaced. */
    put: raw<PutValues>((p) => {
      // The subquery binds the time once, which an update reads as `excluded.updated_at`. Without `offset 0`, PostgreSQL may
      // inline the subquery and read the version at each use.
      const once = sql.raw(dialect.name === 'sqlite' ? '' : 'offset 0')
      const over = sql`context_entries.expires_at <= excluded.updated_at`
      const owned = (when: Piece, column: string) =>
        sql`case when ${when} then excluded.${sql.raw(column)} else context_entries.${sql.raw(column)} end`
      /** The value of the push if it names one, or if the existing entry has expired. */
      const assigned = (names: unknown, column: string) => owned(sql`${names} = 1 or ${over}`, column)
      return sql`insert into context_entries (user_id, key, version, born, change, revision, owner, audience, everyone, writers,
          lifecycle, ttl_ms, created_at, updated_at, expires_at, value, stored, metadata, provenance, taint)
        select ${p.user}, ${p.key}, n.version, n.version, ${p.change}, ${revision(p)}, ${p.owner}, ${p.audience}, ${p.everyone},
          ${p.writers}, ${p.lifecycle}, ${p.ttl}, n.at, n.at, n.at + ${p.ttl}, ${p.value}, ${p.stored}, ${p.metadata},
          ${p.provenance}, ${p.taint}
        from (select ${p.now} as at, 1 + ${greatest}(
          coalesce((select t.version from context_tombstones t where t.user_id = ${p.user} and t.key = ${p.key}), 0),
          coalesce((select s.lowest_version from context_state s where s.user_id = ${p.user}), 0)) as version ${once}) n
        where true
        on conflict (user_id, key) do update set
          version = context_entries.version + 1, change = excluded.change, revision = excluded.revision,
          born = case when ${over} then context_entries.version + 1 else context_entries.born end,
          owner = ${owned(over, 'owner')}, created_at = ${owned(over, 'created_at')}, updated_at = excluded.updated_at,
          audience = ${assigned(p.namesAudience, 'audience')}, everyone = ${assigned(p.namesAudience, 'everyone')},
          writers = ${assigned(p.namesWriters, 'writers')}, metadata = ${assigned(p.namesMetadata, 'metadata')},
          lifecycle = ${assigned(p.namesLifetime, 'lifecycle')}, ttl_ms = ${assigned(p.namesLifetime, 'ttl_ms')},
          expires_at = excluded.updated_at + ${assigned(p.namesLifetime, 'ttl_ms')},
          value = excluded.value, stored = excluded.stored, provenance = excluded.provenance, taint = excluded.taint
        returning version`
    }),
    /** Writes the next version over a certain one: `put` with its version guard, without the parts for a new key. */
    replace: raw<ReplaceValues>((p) => {
      const assigned = (names: unknown, value: unknown, column: string) =>
        sql`case when ${names} = 1 then ${value} else e.${sql.raw(column)} end`
      return sql`update context_entries as e set version = e.version + 1, change = ${p.change}, revision = ${revision(p)},
          updated_at = ${p.now}, audience = ${assigned(p.namesAudience, p.audience, 'audience')},
          everyone = ${assigned(p.namesAudience, p.everyone, 'everyone')}, writers = ${assigned(p.namesWriters, p.writers, 'writers')},
          metadata = ${assigned(p.namesMetadata, p.metadata, 'metadata')},
          lifecycle = ${assigned(p.namesLifetime, p.lifecycle, 'lifecycle')}, ttl_ms = ${assigned(p.namesLifetime, p.ttl, 'ttl_ms')},
          expires_at = ${p.now} + ${assigned(p.namesLifetime, p.ttl, 'ttl_ms')},
          value = ${p.value}, stored = ${p.stored}, provenance = ${p.provenance}, taint = ${p.taint}
        where ${at(p)} and ${live(p)} and e.version = ${p.version}
        returning version`
    }),
    /**
     * Removes one topic from the audience of an entry. The value stays, encrypted for its new version, with its writer
     * and provenance.
     */
    narrow: raw<EntryKey & { change: string; audience: string; version: number; value: string }>(
      (p) => sql`update context_entries set version = version + 1, change = ${p.change}, revision = ${revision(p)},
        audience = ${p.audience}, value = ${p.value}, updated_at = ${p.now}
        where user_id = ${p.user} and key = ${p.key} and version = ${p.version}`,
    ),
    remove: raw<EntryKey>((p) => sql`delete from context_entries where user_id = ${p.user} and key = ${p.key}`),
    addTombstone: raw<EntryKey>(
      (p) => sql`insert into context_tombstones (user_id, key, version, at)
        select e.user_id, e.key, e.version, ${p.now} from context_entries e where ${at(p)}
        on conflict (user_id, key) do update set version = excluded.version, at = excluded.at`,
    ),
    work: raw<{ user: string }>(
      (p) => sql`insert into context_work (user_id) values (${p.user}) on conflict do nothing`,
    ),
    ...topicWrites(dialect),
    ...maintenance(dialect),
  }
}

function guards(dialect: Dialect, at: (p: EntryKey) => Piece) {
  const raw = entryTemplates(dialect)
  const entry = (p: EntryKey) => sql`select 1 from context_entries e where ${at(p)} and ${live(p)}`
  return {
    /**
     * Returns a row if there is an entry that the writer may not write, or that is shared with a topic closed to the
     * writer.
     */
    unwritable: raw<EntryKey & ReaderValues>(
      (p) => sql`${entry(p)}
        and (not ${writable(dialect, p)} or ${closedTopic(dialect, p)})`,
    ),
    /** Returns a row if there is an entry of another owner. */
    foreign: raw<EntryKey & { agent: string }>((p) => sql`${entry(p)} and e.owner <> ${p.agent}`),
    foreignVisible: raw<EntryKey & ReaderValues>(
      (p) => sql`${entry(p)} and e.owner <> ${p.agent} and ${visible(dialect, p)}`,
    ),
    visible: raw<EntryKey & ReaderValues>((p) => sql`${entry(p)} and ${visible(dialect, p)}`),
    existing: raw<EntryKey>(entry),
    version: raw<EntryKey & { version: number }>((p) => sql`${entry(p)} and e.version = ${p.version}`),
    /** Returns a row if the entry is still of this write, expired or not. */
    unchanged: raw<EntryKey & { change: string }>(
      (p) => sql`select 1 from context_entries e where ${at(p)} and e.change = ${p.change}`,
    ),
    over: raw<EntryKey & { change: string }>(
      (p) => sql`select 1 from context_entries e where ${at(p)} and e.change = ${p.change} and not ${live(p)}`,
    ),
    /** Returns a row for each of these topics that is closed to the agent. */
    closed: raw<{ user: string; agent: string; grantees: string }>(
      (p) => sql`select 1 from context_topics t where t.user_id = ${p.user} and t.posters_allowed is not null
        and t.grantee ${among(dialect, p.grantees)}
        and not exists (select 1 from ${each(dialect, sql`t.posters_allowed`, 'n')} where n.value = ${p.agent})`,
    ),
    /** The same for the topics of the existing entry. */
    closedForStored: raw<EntryKey & { agent: string }>((p) => sql`${entry(p)} and ${closedTopic(dialect, p)}`),
    /** Returns a row if the writer may not write the entry; for a push that names another audience. */
    unwritableByName: raw<EntryKey & ReaderValues>((p) => sql`${entry(p)} and not ${writable(dialect, p)}`),
  }
}

const closedTopic = (dialect: Dialect, p: { readonly agent: unknown }) =>
  sql`(e.everyone = 0 and exists (select 1 from context_topics t
    where t.user_id = e.user_id and t.posters_allowed is not null
      and t.grantee ${among(dialect, sql`e.audience`)}
      and not exists (select 1 from ${each(dialect, sql`t.posters_allowed`, 'n')} where n.value = ${p.agent})))`

function topicWrites(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  return {
    name: raw<{ user: string; grantees: string }>(
      (
        p,
      ) => sql`insert into context_topics (user_id, grantee) select ${p.user}, g.value from ${each(dialect, p.grantees, 'g')}
        where true on conflict do nothing`,
    ),
    subscribe: raw<{ user: string; agent: string; grantees: string }>(
      (p) => sql`insert into context_subscriptions (user_id, agent, grantee)
        select ${p.user}, ${p.agent}, g.value from ${each(dialect, p.grantees, 'g')} where true on conflict do nothing`,
    ),
    unsubscribe: raw<{ user: string; agent: string; grantees: string }>(
      (p) => sql`delete from context_subscriptions where user_id = ${p.user} and agent = ${p.agent}
        and grantee ${among(dialect, p.grantees)}`,
    ),
    dismiss: raw<{ user: string; grantee: string; agents: string }>(
      (p) => sql`delete from context_subscriptions where user_id = ${p.user} and grantee = ${p.grantee}
        and agent ${among(dialect, p.agents)}`,
    ),
    hasSubscribers: raw<{ user: string; grantee: string; names: string }>(
      (p) => sql`select 1 from context_subscriptions where user_id = ${p.user} and grantee = ${p.grantee}
        and agent not in (select a.value from ${each(dialect, p.names, 'a')}) limit 1`,
    ),
    subscribeClosed: raw<{ user: string; agent: string; grantees: string }>(
      (p) => sql`select 1 from context_topics t where t.user_id = ${p.user} and t.subscribers_allowed is not null
        and t.grantee ${among(dialect, p.grantees)}
        and not exists (select 1 from ${each(dialect, sql`t.subscribers_allowed`, 'n')} where n.value = ${p.agent})`,
    ),
    exceedsLimit: raw<{ user: string; agent: string; limit: number }>(
      (p) => sql`select count(*) from context_subscriptions where user_id = ${p.user} and agent = ${p.agent}
        having count(*) > ${p.limit}`,
    ),
    policy: raw<{ user: string; grantee: string; subscribe: string | null; post: string | null }>(
      (p) => sql`insert into context_topics (user_id, grantee, subscribers_allowed, posters_allowed)
        values (${p.user}, ${p.grantee}, ${p.subscribe}, ${p.post}) on conflict (user_id, grantee) do update set
        subscribers_allowed = excluded.subscribers_allowed, posters_allowed = excluded.posters_allowed`,
    ),
    hasEntries: raw<{ user: string; grantee: string }>(
      (p) => sql`select 1 from context_visible where user_id = ${p.user} and grantee = ${p.grantee} limit 1`,
    ),
    /** Deletes a topic. The row of a closed topic is retained without the right to delete it, since the topic would be open. */
    dropTopic: raw<{ user: string; grantee: string; closed: number }>(
      (p) => sql`delete from context_topics where user_id = ${p.user} and grantee = ${p.grantee}
        and (${p.closed} = 1 or (subscribers_allowed is null and posters_allowed is null))`,
    ),
  }
}

function maintenance(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  return {
    forgetVersions: raw<{ user: string; key: string; version: number }>(
      (p) => sql`delete from context_history where user_id = ${p.user} and key = ${p.key} and version <= ${p.version}`,
    ),
    forgetLarge: raw<{ user: string; key: string; version: number }>(
      (p) => sql`delete from context_history where user_id = ${p.user} and key = ${p.key} and version <= ${p.version}
        and stored > ${largeBytes}`,
    ),
    forgetTombstone: raw<{ user: string; key: string; version: number }>(
      (p) =>
        sql`delete from context_tombstones where user_id = ${p.user} and key = ${p.key} and version = ${p.version}`,
    ),
    raiseLowestVersion: raw<{ user: string; version: number }>(
      (p) =>
        sql`update context_state set lowest_version = ${p.version} where user_id = ${p.user} and lowest_version < ${p.version}`,
    ),
    workDone: raw<{ user: string }>(
      (p) => sql`delete from context_work where user_id = ${p.user}
        and not exists (select 1 from context_entries e where e.user_id = ${p.user} and e.expires_at is not null)
        and not exists (select 1 from context_tombstones t where t.user_id = ${p.user})`,
    ),
  }
}

export type WriteStatements = ReturnType<typeof createWriteStatements>
