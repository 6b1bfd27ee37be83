/** Conversations in storage: one row per message, appended in order, never changed. */
import { canonicalJson, decodeJson, type Json } from '../core/index.ts'
import { type Dialect, type Storage, template } from '../storage/index.ts'
import type { AgentsTables } from './agents-migrations.ts'
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
      return (rows ?? []).map((row) => decodeJson(String(row.message)))
    },
    append: (user, conversation, from, messages) => ({
      statements: messages.map((message: Json, i) =>
        queries.add(
          { user, conversation, seq: from + i, message: canonicalJson(message) },
          // Somebody else went on with this conversation: what was said there is not overwritten.
          { expect: { rows: 1 }, otherwise: 'conversation.moved', detail: { conversation } },
        ),
      ),
    }),
  }
}

function compile(dialect: Dialect) {
  return {
    all: template<AgentsTables, { user: string; conversation: string }>(dialect, (db, p) =>
      db
        .selectFrom('conversation_messages')
        .select('message')
        .where('user_id', '=', p.user)
        .where('conversation', '=', p.conversation)
        .orderBy('seq'),
    ),
    add: template<AgentsTables, { user: string; conversation: string; seq: number; message: string }>(
      dialect,
      (db, p) =>
        db
          .insertInto('conversation_messages')
          .values({ user_id: p.user, conversation: p.conversation, seq: p.seq, message: p.message })
          .onConflict((conflict) => conflict.doNothing()),
    ),
  }
}
