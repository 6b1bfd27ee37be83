/** Kysely as a query compiler: one Kysely per engine that only compiles, and templates that are compiled once. */
import { type Compilable, type Kysely, type RawBuilder, sql } from 'kysely'
import type { Bind, Statement } from './changes/statement.ts'
import { type ContentNames, compileContent } from './content.ts'

/** The SQL of an engine. */
export interface Dialect {
  /** The engine. */
  readonly name: 'sqlite' | 'postgres'
  /** Returns a query builder that compiles and never executes. */
  builder<Tables>(): Kysely<Tables>
}

/**
 * Builds a condition on an indexed column: its value is in the result of a query that does not depend on the outer row.
 * With outdated statistics PostgreSQL would run a subquery once per row of the table. It evaluates an array once and
 * then uses the index.
 */
export const oneOf = ({ name }: Dialect, query: RawBuilder<unknown>): RawBuilder<unknown> =>
  name === 'sqlite' ? sql`in (${query})` : sql`= any (array(${query}))`

/** Represents a value in a query that is bound later. */
class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export type Template<Values> = (values: Values, more?: Omit<Statement, 'sql' | 'binds'>) => Statement

/**
 * Compiles a query once; each call only fills in its values.
 * @param contentNames the values and columns that are content, each with its location
 * @example
 * const byKey = template<Tables, { user: string; key: string }>(dialect, (db, p) =>
 *   db.selectFrom('entries').selectAll().where('user_id', '=', p.user).where('key', '=', p.key))
 * storage.read({ user }, [byKey({ user, key }, { returns: true })])
 */
export function template<Tables, Values extends { [K in keyof Values]: Bind }>(
  dialect: Dialect,
  build: (db: Kysely<Tables>, placeholders: Values) => Compilable,
  contentNames?: ContentNames,
): Template<Values> {
  const made = new Map<string | symbol, Placeholder>()
  const placeholder = (_: unknown, name: string | symbol) => {
    const known = made.get(name) ?? new Placeholder(String(name))
    made.set(name, known)
    return known
  }
  const compiled = build(
    dialect.builder<Tables>(),
    new Proxy<Record<never, never>>({}, { get: placeholder }) as Values,
  ).compile()
  const { sql, parameters } = boundOnce(dialect, compiled)
  const names = parameters.map((parameter) => (parameter instanceof Placeholder ? parameter.name : undefined))
  const fill = (values: Values): readonly Bind[] => {
    const binds = new Array<Bind>(names.length)
    for (let i = 0; i < names.length; i++) {
      const name = names[i]
      binds[i] = (name === undefined ? parameters[i] : values[name as keyof Values]) as Bind
    }
    return binds
  }
  if (!contentNames) return (values, more) => ({ sql, binds: fill(values), ...more })
  const content = compileContent(contentNames, names)
  return (values, more) => ({ sql, binds: fill(values), content, ...more })
}

/** Returns `template` for the tables of one module. */
export const templates =
  <Tables>(dialect: Dialect) =>
  <Values extends { [K in keyof Values]: Bind }>(
    build: (db: Kysely<Tables>, placeholders: Values) => Compilable,
    content?: ContentNames,
  ): Template<Values> =>
    template<Tables, Values>(dialect, build, content)

/**
 * Returns `template` for raw SQL, for queries that are clearer in SQL.
 * @param content the default content of all templates made with the result
 */
export const rawTemplates =
  (dialect: Dialect, content?: ContentNames) =>
  <Values extends { [K in keyof Values]: Bind }>(
    build: (placeholders: Values) => RawBuilder<unknown>,
    own = content,
  ): Template<Values> =>
    template<unknown, Values>(dialect, (db, p) => ({ compile: () => build(p).compile(db) }), own)

interface Text {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** Binds each value once, however often the text refers to it; a push named the time 16 times. */
function boundOnce({ name }: Dialect, { sql, parameters }: Text): Text {
  const positions = new Map<unknown, number>()
  let seen = 0
  const text = sql.replace(name === 'sqlite' ? /\?/g : /\$\d+/g, (mark) => {
    const parameter = parameters[name === 'sqlite' ? seen : Number(mark.slice(1)) - 1]
    seen++
    const position = positions.get(parameter) ?? positions.size + 1
    positions.set(parameter, position)
    return `${mark[0]}${position}`
  })
  // A mismatch means that a quoted text contains a placeholder character.
  return seen === parameters.length ? { sql: text, parameters: [...positions.keys()] } : { sql, parameters }
}
