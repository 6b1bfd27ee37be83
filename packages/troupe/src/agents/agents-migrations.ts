/**
 * The tables of agents: messages of threads, threads with their open step, the questions that threads wait for,
 * memories with their earlier versions, and statistics of tools.
 */
import { type ContentNames, type Migration, postgresTables, type UserTable } from '../storage/index.ts'

const sqlite = [
  // A thread keeps the taint labels of its messages. `run` is the run that added a message to the thread of a user; it is null
  // in threads inside of runs, and for messages of sessions.
  `create table thread_messages (
    user_id text not null, thread text not null, seq integer not null, message text not null,
    taint text not null default '[]', run text, primary key (user_id, thread, seq)) without rowid`,
  // `thread` is THREAD/NAME with the name of the agent or team: two agents of one thread have separate messages. `open` is the
  // open step or run as JSON, `title` the beginning of the first message, `turns` the number of messages of the user.
  // A row without `updated_at` is a thread that was forgotten: its steps are still counted, because journals have their numbers.
  // `owner` is the process that executes the open step on a shared storage, or empty.
  `create table session_threads (
    user_id text not null, thread text not null, thread_id text not null, name text not null, kind text not null,
    steps integer not null, open text, owner text not null default '', title text, turns integer not null default 0, updated_at bigint,
    primary key (user_id, thread)) without rowid`,
  'create index session_threads_by_time on session_threads (user_id, updated_at, thread)',
  `create table session_questions (
    user_id text not null, thread text not null, id text not null, wait text not null, step text not null,
    question text not null, primary key (user_id, thread, id)) without rowid`,
  // `source` is the thread in which the item was stored, or empty; `seq` rises within the memory; `vector` has 32-bit floats in base64.
  `create table memory_items (
    user_id text not null, memory text not null, id text not null, version integer not null, content text not null,
    priority double precision not null, agent text not null, source text not null, provenance text not null,
    taint text not null, at integer not null, seq integer not null, vector_model text, vector text,
    primary key (user_id, memory, id)) without rowid`,
  'create index memory_items_source on memory_items (user_id, source)',
  `create table memory_history (
    user_id text not null, memory text not null, id text not null, version integer not null, content text not null,
    provenance text not null, taint text not null, at integer not null,
    primary key (user_id, memory, id, version)) without rowid`,
  `create table tool_statistics (
    user_id text not null, agent text not null, tool text not null, offers integer not null, calls integer not null,
    successes integer not null, duration_ms integer not null, primary key (user_id, agent, tool)) without rowid`,
]

/** A version that was replaced before has no known source: it is deleted with its item. */
const historySource = [`alter table memory_history add column source text not null default ''`]

export const agentsMigrations: readonly Migration[] = [
  {
    module: 'agents',
    version: 1,
    name: 'conversations, threads, memories, statistics of tools',
    lowestReader: 1,
    up: { sqlite, postgres: postgresTables(sqlite) },
  },
  {
    module: 'agents',
    version: 2,
    name: 'the thread of earlier versions of memories',
    lowestReader: 1,
    up: { sqlite: historySource, postgres: historySource },
  },
]

/** The statements use the names of the columns for thread and question. */
export const messageContent: ContentNames = { message: ['thread', 'thread', 'seq'] }
/** The encrypted open step is bound to its thread and its number. */
export const threadContent: ContentNames = {
  open: ['thread.open', 'thread', 'steps'],
  title: ['thread.title', 'thread'],
}
export const questionContent: ContentNames = { question: ['thread.question', 'thread', 'id'] }

/** An encrypted item and its earlier versions are bound to its id, and a vector to the version of its item. */
export const memoryContent: ContentNames = {
  content: ['memory', 'memory', 'id'],
  vector: ['memory.vector', 'memory', 'id', 'version'],
}
const formerContent: ContentNames = { content: ['memory', 'memory', 'id'] }

export const agentsTables: readonly UserTable[] = [
  { module: 'agents', name: 'thread_messages', key: ['thread', 'seq'], content: messageContent },
  { module: 'agents', name: 'session_threads', key: ['thread'], content: threadContent },
  { module: 'agents', name: 'session_questions', key: ['thread', 'id'], content: questionContent },
  { module: 'agents', name: 'memory_items', key: ['memory', 'id'], content: memoryContent },
  { module: 'agents', name: 'memory_history', key: ['memory', 'id', 'version'], content: formerContent },
  { module: 'agents', name: 'tool_statistics', key: ['agent', 'tool'] },
]
