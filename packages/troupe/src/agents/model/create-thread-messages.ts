/** Conversations in storage: one row per message, appended in order, never changed. */
import { sql } from 'kysely'
import { canonicalJson, decodeJson, prefixEnd, type TaintLabel } from '../../core/index.ts'
import { EncodedBody } from '../../journal/index.ts'
import { type Dialect, rowsTemplate, type Storage, templates } from '../../storage/index.ts'
import { messageContent } from '../agents-migrations.ts'
import type { ThreadMessages } from '../services-port.ts'

export function createThreadMessages({
  storage,
}: {
  readonly storage: Pick<Storage, 'dialect' | 'read'>
}): ThreadMessages {
  const queries = compile(storage.dialect)
  const prefixDeletes = compilePrefixDeletes(storage.dialect)
  return {
    async load(user, thread) {
      const [rows] = await storage.read({ user }, [queries.all({ user, thread }, { returns: true })])
      return (rows ?? []).map((row) => ({
        message: decodeJson(String(row.message)),
        taint: JSON.parse(String(row.taint)) as readonly TaintLabel[],
        ...(typeof row.run === 'string' ? { run: row.run } : {}),
      }))
    },
    append: (user, thread, from, { messages, taint, run = null }) => ({
      isExclusive: true,
      statements: queries.add(
        messages.map((message, i) => {
          const { text } = message instanceof EncodedBody ? message : new EncodedBody(canonicalJson(message))
          return { user, thread, seq: from + i, message: text, taint: JSON.stringify(taint), run }
        }),
        { thread },
      ),
    }),
    forget: (user, thread) => ({ statements: [queries.drop({ user, thread })] }),
    forgetPrefix(user, prefix) {
      const range = { user, from: prefix, to: prefixEnd(prefix) }
      return { statements: prefixDeletes.map((statement) => statement(range)) }
    },
  }
}

function compile(dialect: Dialect) {
  const statement = templates(dialect)
  return {
    all: statement<{ user: string; thread: string }>(
      (p) => sql`select seq, message, taint, run from thread_messages
        where user_id = ${p.user} and thread = ${p.thread} order by seq`,
      messageContent,
    ),
    drop: statement<{ user: string; thread: string }>(
      (p) => sql`delete from thread_messages where user_id = ${p.user} and thread = ${p.thread}`,
    ),
    add: rowsTemplate<{
      user: string
      thread: string
      seq: number
      message: string
      taint: string
      run: string | null
    }>(
      dialect,
      (rows) => sql`insert into thread_messages (user_id, thread, seq, message, taint, run)
        values ${sql.join(rows.map((p) => sql`(${p.user}, ${p.thread}, ${p.seq}, ${p.message}, ${p.taint}, ${p.run})`))}
        on conflict do nothing`,
      // Another process has continued this thread: its messages are not overwritten.
      { content: messageContent, otherwise: 'thread.conflict' },
    ),
  }
}

/** Deletes the working memories of a thread, whose names contain its id; facts and episodes stay. */
function compilePrefixDeletes(dialect: Dialect) {
  type Range = { user: string; from: string; to: string }
  const statement = templates(dialect)<Range>
  const inMind = (p: Range) => sql`user_id = ${p.user} and source >= ${p.from} and source < ${p.to}
    and memory like 'working/%'`
  return [
    statement(
      (p) => sql`delete from thread_messages
        where user_id = ${p.user} and thread >= ${p.from} and thread < ${p.to}`,
    ),
    statement(
      (p) => sql`delete from memory_history where user_id = ${p.user}
        and memory in (select distinct memory from memory_items where ${inMind(p)})`,
    ),
    statement((p) => sql`delete from memory_items where ${inMind(p)}`),
  ]
}
