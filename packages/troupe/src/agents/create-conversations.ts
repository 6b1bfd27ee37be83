/** Conversations in storage: one row per message, appended in order, never changed. */
import { sql } from 'kysely'
import { canonicalJson, decodeJson, type Json, type TaintLabel, textBehind } from '../core/index.ts'
import { type Dialect, rawTemplates, type Storage, template } from '../storage/index.ts'
import { type AgentsTables, messageContent } from './agents-migrations.ts'
import type { Conversations } from './services-port.ts'

export function createConversations({
  storage,
}: {
  readonly storage: Pick<Storage, 'dialect' | 'read'>
}): Conversations {
  const queries = compile(storage.dialect)
  const below = compileBelow(storage.dialect)
  return {
    async load(user, conversation) {
      const [rows] = await storage.read({ user }, [queries.all({ user, conversation }, { returns: true })])
      return (rows ?? []).map((row) => ({
        message: decodeJson(String(row.message)),
        taint: JSON.parse(String(row.taint)) as readonly TaintLabel[],
      }))
    },
    append: (user, conversation, from, messages, taint) => ({
      statements: messages.map((message: Json, i) =>
        queries.add(
          { user, conversation, seq: from + i, message: canonicalJson(message), taint: JSON.stringify(taint) },
          // Somebody else went on with this conversation: what was said there is not overwritten.
          { expect: { rows: 1 }, otherwise: 'conversation.moved', detail: { conversation } },
        ),
      ),
    }),
    forget: (user, conversation) => ({ statements: [queries.drop({ user, conversation })] }),
    forgetBelow(user, prefix) {
      const range = { user, from: prefix, to: textBehind(prefix) }
      return { statements: below.map((statement) => statement(range)) }
    },
  }
}

function compile(dialect: Dialect) {
  return {
    all: template<AgentsTables, { user: string; conversation: string }>(
      dialect,
      (db, p) =>
        db
          .selectFrom('conversation_messages')
          .select(['seq', 'message', 'taint'])
          .where('user_id', '=', p.user)
          .where('conversation', '=', p.conversation)
          .orderBy('seq'),
      messageContent,
    ),
    drop: template<AgentsTables, { user: string; conversation: string }>(dialect, (db, p) =>
      db.deleteFrom('conversation_messages').where('user_id', '=', p.user).where('conversation', '=', p.conversation),
    ),
    add: template<AgentsTables, { user: string; conversation: string; seq: number; message: string; taint: string }>(
      dialect,
      (db, p) =>
        db
          .insertInto('conversation_messages')
          .values({ user_id: p.user, conversation: p.conversation, seq: p.seq, message: p.message, taint: p.taint })
          .onConflict((conflict) => conflict.doNothing()),
      messageContent,
    ),
  }
}

/** Working memories are named for their conversation; what was learned for good stays. */
function compileBelow(dialect: Dialect) {
  type Range = { user: string; from: string; to: string }
  const statement = rawTemplates(dialect)<Range>
  const inMind = (p: Range) => sql`user_id = ${p.user} and source >= ${p.from} and source < ${p.to}
    and memory like 'working/%'`
  return [
    statement(
      (p) => sql`delete from conversation_messages
        where user_id = ${p.user} and conversation >= ${p.from} and conversation < ${p.to}`,
    ),
    statement(
      (p) => sql`delete from memory_history where user_id = ${p.user}
        and memory in (select distinct memory from memory_items where ${inMind(p)})`,
    ),
    statement((p) => sql`delete from memory_items where ${inMind(p)}`),
  ]
}
