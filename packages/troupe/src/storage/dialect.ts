/** Kysely as a query compiler: one Kysely that only compiles per engine, and templates compiled once. */
import type { Compilable, Kysely } from 'kysely'
import type { Bind, Statement } from './statement.ts'

export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** Compiles, executes nothing. */
  builder<Tables>(): Kysely<Tables>
}

/** Stands in a query for a value that is bound later. */
class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export type Template<Values> = (values: Values, more?: Omit<Statement, 'sql' | 'binds'>) => Statement

/**
 * Compiles a query once; each call only fills in its values.
 * @example
 * const byKey = template<Tables, { user: string; key: string }>(dialect, (db, p) =>
 *   db.selectFrom('entries').selectAll().where('user_id', '=', p.user).where('key', '=', p.key))
 * storage.read({ user }, [byKey({ user, key }, { returns: true })])
 */
export function template<Tables, Values extends { [K in keyof Values]: Bind }>(
  dialect: Dialect,
  build: (db: Kysely<Tables>, placeholders: Values) => Compilable,
): Template<Values> {
  const placeholders = new Proxy({} as Values, { get: (_, name) => new Placeholder(String(name)) })
  const { sql, parameters } = build(dialect.builder<Tables>(), placeholders).compile()
  return (values, more) => ({
    sql,
    binds: parameters.map((parameter) =>
      parameter instanceof Placeholder ? (values[parameter.name as keyof Values] as Bind) : (parameter as Bind),
    ),
    ...more,
  })
}
