/** Records the acknowledged signed messages for as long as a copy of them could pass the check of its signature. */

import { sql } from 'kysely'
import { signatureWindowMs } from '../../security/index.ts'
import { type Dialect, oneOf } from '../../storage/index.ts'
import { compilerOf, later, type MessageKey, storageNow } from './compile.ts'

export function seenStatements(dialect: Dialect) {
  const compile = compilerOf(dialect)
  return {
    mark: compile<MessageKey>(
      (p) => sql`insert into message_seen (user_id, id, until)
        values (${p.user}, ${p.id}, ${later(2 * signatureWindowMs)}) on conflict do nothing`,
    ),
    find: compile<MessageKey>((p) => sql`select id from message_seen where user_id = ${p.user} and id = ${p.id}`),
    cleanup: compile<{ user: string }>((p) => {
      const over = sql`select id from message_seen where user_id = ${p.user} and until <= ${storageNow} order by until limit 1000`
      return sql`delete from message_seen where user_id = ${p.user} and id ${oneOf(dialect, over)}`
    }),
  }
}
