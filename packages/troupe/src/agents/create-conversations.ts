/** Conversations in storage: one row per message, appended in order, never changed. */
import { canonicalJson, decodeJson, type Json, type TaintLabel } from '../core/index.ts'
import { type Dialect, type Storage, template } from '../storage/index.ts'
import { type AgentsTables, messageContent } from './agents-migrations.ts'
import type { Conversations } from './services-port.ts'

export function createConversations({
  storage,
}: {
  readonly storage: Pick<Storage, 'dialect' | 'read'>
}): Conversations {
  const queries = compile(storage.dialect)
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
