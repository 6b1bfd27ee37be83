/** The statements that erase a user, for the tables of all modules. */
import { sql } from 'kysely'
import type { UserId } from '../../core/index.ts'
import { type Dialect, type Statement, templates, type UserTable } from '../../storage/index.ts'
import { markOf } from '../encryption/data-key-statements.ts'
import { overwriting } from '../overwriting.ts'

export function erasureStatements(dialect: Dialect, all: readonly UserTable[], batch: number) {
  const tables = all.filter(({ only }) => only === undefined || only === dialect.name)
  const deletions = tables.map((table) => deletionsOf(dialect, table, batch))
  const marks = markStatements(dialect)
  // The name of an API key may name the user, so keys are erased before the list of the user's keys.
  const names = templates(dialect)<{ user: string }>(
    (p) => sql`update security_api_keys set name = 'erased'
      where id in (select key_id from security_api_key_users where user_id = ${p.user})`,
  )
  const overwritten = (statements: readonly Statement[]) => overwriting(dialect, statements)
  return {
    batch,
    /** The number of statements before those of the tables. */
    before: dialect.name === 'sqlite' ? 1 : 0,
    tables: tables.map(({ module: moduleName }, i) => ({
      module: moduleName,
      some: (user: UserId) => overwritten([(deletions[i] as Deletions).some({ user })]),
    })),
    begin: (user: UserId, at: number) =>
      overwritten([marks.begin({ mark: markOf(user), user, at }), marks.dropKeys({ user }), names({ user })]),
    end: (user: UserId) =>
      overwritten([...deletions.map(({ rest }) => rest({ user })), marks.end({ mark: markOf(user) })]),
    /** Returns the marks of unfinished erasures, and those since a time. */
    marks: (since: number) => marks.since({ since }),
  }
}

type Deletions = ReturnType<typeof deletionsOf>

function deletionsOf(dialect: Dialect, { name, key }: UserTable, batch: number) {
  const of = templates(dialect)<{ user: string }>
  // The application cannot delete from the audit log; a function of the table's owner does.
  if (name === 'security_audit' && dialect.name === 'postgres')
    return {
      some: of((p) => sql`select troupe_audit_erase(${p.user}, ${sql.lit(batch)})`),
      rest: of((p) => sql`select troupe_audit_erase(${p.user}, ${sql.lit(Number.MAX_SAFE_INTEGER)})`),
    }
  const columns = sql.join(key.map((column) => sql.ref(column)))
  return {
    some: of(
      (p) => sql`delete from ${sql.table(name)} where user_id = ${p.user} and (${columns}) in (
        select ${columns} from ${sql.table(name)} where user_id = ${p.user} limit ${sql.lit(batch)})`,
    ),
    rest: of((p) => sql`delete from ${sql.table(name)} where user_id = ${p.user}`),
  }
}

/** Returns a row if the user was erased or is being erased. */
export const markedStatement = (dialect: Dialect) =>
  templates(dialect)<{ mark: string }>((p) => sql`select mark from security_erased_users where mark = ${p.mark}`)

function markStatements(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    begin: compile<{ mark: string; user: string; at: number }>(
      (p) => sql`insert into security_erased_users (mark, user_id, at) values (${p.mark}, ${p.user}, ${p.at})
        on conflict (mark) do update set user_id = excluded.user_id, at = excluded.at`,
    ),
    dropKeys: compile<{ user: string }>((p) => sql`delete from security_data_keys where user_id = ${p.user}`),
    end: compile<{ mark: string }>((p) => sql`update security_erased_users set user_id = null where mark = ${p.mark}`),
    since: compile<{ since: number }>(
      (p) => sql`select mark, user_id, at from security_erased_users where user_id is not null or at > ${p.since}`,
    ),
  }
}
