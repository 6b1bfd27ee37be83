/** The schema of this room: conversations, threads with their open step, and the questions that threads wait for. */
import { type Migration, postgresTables } from '../storage/index.ts'

const sqlite = [
  `create table conversation_messages (
    user_id text not null, conversation text not null, seq integer not null, message text not null,
    primary key (user_id, conversation, seq)) without rowid`,
  `create table session_threads (
    user_id text not null, thread text not null, steps integer not null, open text,
    primary key (user_id, thread)) without rowid`,
  `create table session_questions (
    user_id text not null, thread text not null, id text not null, wait text not null, step text not null,
    question text not null, primary key (user_id, thread, id)) without rowid`,
]

export const agentsMigrations: readonly Migration[] = [
  {
    room: 'agents',
    version: 1,
    name: 'conversations and threads',
    lowestReader: 1,
    up: { sqlite, postgres: postgresTables(sqlite) },
  },
]

export interface AgentsTables {
  conversation_messages: { user_id: string; conversation: string; seq: number; message: string }
  session_threads: {
    user_id: string
    thread: string
    steps: number
    /** What the thread is in the middle of, as JSON. */
    open: string | null
  }
  session_questions: { user_id: string; thread: string; id: string; wait: string; step: string; question: string }
}
