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

export const agentsMigrations: readonly Migration[] = [
  {
    module: 'agents',
    version: 1,
    name: 'conversations, threads, memories, statistics of tools',
    lowestReader: 1,
    up: { sqlite, postgres: postgresTables(sqlite) },
  },
]

interface MemoryRow {
  user_id: string
  memory: string
  id: string
  version: number
  content: string
  provenance: string
  taint: string
  at: number
}
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

export interface AgentsTables {
  memory_items: MemoryRow & {
    priority: number
    agent: string
    /** The id of the thread in which it was stored; empty for none. */
    source: string
    /** Rises within the memory: the newest is last. */
    seq: number
    vector_model: string | null
    /** 32-bit floats in base64. */
    vector: string | null
  }
  memory_history: MemoryRow
  tool_statistics: {
    user_id: string
    agent: string
    tool: string
    offers: number
    calls: number
    successes: number
    duration_ms: number
  }
  thread_messages: {
    user_id: string
    thread: string
    seq: number
    message: string
    taint: string
    run: string | null
  }
  session_threads: {
    user_id: string
    /** `THREAD/NAME`: two agents of one thread have separate messages. */
    thread: string
    thread_id: string
    /** The name of the agent or the team. */
    name: string
    kind: 'agent' | 'team'
    /** The number of steps of sessions and of runs. */
    steps: number
    /** The open step or run, as JSON. */
    open: string | null
    /** The process that executes the open step, as `processes` names it; empty if there is none. */
    owner: string
    /** The beginning of the first message. */
    title: string | null
    /** The number of messages of the user. */
    turns: number
    updated_at: number | null
  }
  session_questions: { user_id: string; thread: string; id: string; wait: string; step: string; question: string }
}
