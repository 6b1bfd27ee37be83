/** Records the acknowledged signed messages for as long as a copy of them could pass the check of its signature. */
import { sql } from 'kysely'
import { signatureWindowMs } from '../../security/index.ts'
import { type Dialect, oneOf, type Statement } from '../../storage/index.ts'
import { compile, later, storageNow, type Values } from './compile.ts'

export function seenStatements(dialect: Dialect) {
  const mark = compile<Values>(
    dialect,
    (p) => sql`insert into message_seen (user_id, id, until) values (${p.user}, ${p.id}, ${p.until})
      on conflict do nothing`,
  )
  const find = compile<Values>(
    dialect,
    (p) => sql`select id from message_seen where user_id = ${p.user} and id = ${p.id}`,
  )
  const cleanup = compile<Values>(dialect, (p) => {
    const over = sql`select id from message_seen where user_id = ${p.user} and until <= ${storageNow} order by until limit 1000`
    return sql`delete from message_seen where user_id = ${p.user} and id ${oneOf(dialect, over)}`
  })
  return {
    mark: (user: string, id: string): Statement => mark({ user, id, until: later(2 * signatureWindowMs) }),
    find: (user: string, id: string): Statement => find({ user, id }, { returns: true }),
    cleanup: (user: string): Statement => cleanup({ user }),
  }
}
