/**
 * The tables of messages. A mailbox has lanes; `messages` has waiting and scheduled messages, messages that a full mailbox holds
 * back (`held`), dead letters, and for a time acknowledged messages. Only `message_outbox` is read for all users.
 */
import { type Migration, postgresTables, workTable } from '../storage/index.ts'

const tables = (integer: string): readonly string[] => [
  `create table mailboxes (
    user_id text not null, mailbox text not null,
    next_seq ${integer} not null, count ${integer} not null, bytes ${integer} not null, last_used_at ${integer} not null,
    primary key (user_id, mailbox))`,
  `create table mailbox_lanes (
    user_id text not null, mailbox text not null, lane text not null,
    depth ${integer} not null, head_seq ${integer} not null, head_due ${integer} not null, last_due ${integer} not null,
    not_before ${integer} not null, lease_until ${integer} not null, leased ${integer} not null, batch_end ${integer} not null, token text,
    primary key (user_id, mailbox, lane))`,
  'create index mailbox_lanes_leased on mailbox_lanes (user_id, mailbox, token) where token is not null',
  // `batch` names the step that handles the message with others, or the last one that did.
  `create table messages (
    user_id text not null, mailbox text not null, seq ${integer} not null,
    id text not null, lane text not null, sender text not null, priority text not null,
    type text not null, version ${integer} not null, kinds text, payload text not null, bytes ${integer} not null,
    thread_id text, correlation_id text, envelope text not null, signature text, reply_to text,
    state text not null, due ${integer} not null, available_at ${integer} not null, expires_at ${integer},
    created_at ${integer} not null, dedupe_id text, dedupe_until ${integer},
    attempts ${integer} not null, failures ${integer} not null, token text, batch text,
    read_at ${integer}, ended_at ${integer}, reason text,
    primary key (user_id, mailbox, seq))`,
  'create unique index messages_id on messages (user_id, id)',
  "create index messages_lane on messages (user_id, mailbox, lane, seq) where state = 'ready'",
  "create index messages_scheduled on messages (user_id, mailbox, available_at) where state = 'scheduled'",
  "create index messages_outbox on messages (user_id, mailbox, seq) where state = 'held'",
  "create index messages_outbox_lane on messages (user_id, mailbox, lane, seq) where state = 'held'",
  "create index messages_expiring on messages (user_id, mailbox, expires_at) where state = 'ready' and expires_at is not null",
  "create index messages_read on messages (user_id, mailbox, seq) where state = 'ready' and read_at is not null",
  "create index messages_dead on messages (user_id, mailbox, seq) where state = 'dead'",
  "create index messages_done on messages (user_id, mailbox, ended_at) where state = 'done' and dedupe_id is null",
  'create index messages_thread on messages (user_id, mailbox, thread_id, seq) where thread_id is not null',
  'create unique index messages_dedupe on messages (user_id, mailbox, sender, dedupe_id) where dedupe_id is not null',
  'create index messages_dedupe_until on messages (user_id, dedupe_until) where dedupe_id is not null',
  "create index messages_batch on messages (user_id, mailbox, batch) where state = 'ready' and batch is not null",
  `create table message_payloads (
    user_id text not null, mailbox text not null, id text not null,
    primary key (user_id, id))`,
  'create index message_payloads_mailbox on message_payloads (user_id, mailbox)',
  `create table message_seen (
    user_id text not null, id text not null, until ${integer} not null,
    primary key (user_id, id))`,
  'create index message_seen_until on message_seen (user_id, until)',
  `create table message_requests (
    user_id text not null, id text not null, expires_at ${integer} not null, answer text,
    primary key (user_id, id))`,
  `create table message_outbox (
    user_id text not null, mailbox text not null,
    primary key (user_id, mailbox))`,
  `create table presence (
    user_id text not null, session text not null, agent text not null, role text not null, topics text not null,
    process_id text not null, joined_at ${integer} not null, alive_until ${integer} not null,
    primary key (user_id, session))`,
]

/** The lanes that a claim reads: never those that others have leased. PostgreSQL cannot lock the rows of a union. */
const sqliteLanes = [
  'create index mailbox_lanes_free on mailbox_lanes (user_id, mailbox, head_due, head_seq) where depth > 0 and token is null',
  'create index mailbox_lanes_until on mailbox_lanes (user_id, mailbox, lease_until) where token is not null',
]
const postgresLanes = [
  'create index mailbox_lanes_due on mailbox_lanes (user_id, mailbox, head_due, head_seq) where depth > 0',
]

export const messagingMigrations: readonly Migration[] = [
  {
    module: 'messaging',
    version: 1,
    name: 'mailboxes, lanes, messages, payloads, requests, presence',
    lowestReader: 1,
    up: {
      sqlite: [...tables('integer'), ...sqliteLanes],
      postgres: [...postgresTables(tables('bigint')), ...postgresLanes, workTable('message_outbox')],
    },
  },
]
