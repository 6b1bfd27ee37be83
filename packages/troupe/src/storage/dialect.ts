/** Kysely as a compiler of SQL: one per engine, and templates that are compiled once. */
import { createQueryId, type QueryCompiler, type RawBuilder, type RawNode, sql } from 'kysely'
import { type ErrorCode, lazy } from '../core/index.ts'
import type { Bind, Statement } from './changes/statement.ts'
import { type ContentNames, compileContent } from './content.ts'

/** The SQL of an engine. */
export interface Dialect {
  /** The engine. */
  readonly name: 'sqlite' | 'postgres'
  /** Returns the text and the values of a query. */
  compile(query: SqlQuery): Text
}

/** SQL with its values, as the tag `sql` of Kysely makes it. */
export type SqlQuery = RawBuilder<unknown>

interface Text {
  /** The text. */
  readonly sql: string
  /** The values, in the order of their placeholders. */
  readonly parameters: readonly unknown[]
}

export const createDialect = (name: Dialect['name'], compiler: QueryCompiler): Dialect => ({
  name,
  compile: (query) => compiler.compileQuery(query.toOperationNode() as RawNode, createQueryId()),
})

/**
 * Builds a condition on an indexed column: its value is in the result of a query that does not depend on the outer row.
 * With outdated statistics PostgreSQL would run a subquery once per row of the table. It evaluates an array once and
 * then uses the index.
 */
export const oneOf = ({ name }: Dialect, query: SqlQuery): SqlQuery =>
  name === 'sqlite' ? sql`in (${query})` : sql`= any (array(${query}))`

/** Represents a value in a query that is bound later. */
class Placeholder {
  readonly name: string
  /** The index of its row in a statement of several rows; 0 in others. */
  readonly row: number
  constructor(name: string, row: number) {
    this.name = name
    this.row = row
  }
}

/** Returns an object that has a placeholder for each name, always the same one. */
function placeholdersOf<Values>(row: number): Values {
  const made = new Map<string | symbol, Placeholder>()
  const get = (_: unknown, name: string | symbol) => {
    const known = made.get(name) ?? new Placeholder(String(name), row)
    made.set(name, known)
    return known
  }
  return new Proxy<Record<never, never>>({}, { get }) as Values
}

export type Template<Values> = (values: Values, more?: Omit<Statement, 'sql' | 'binds'>) => Statement

/**
 * Returns a function that makes templates. A template compiles its query at the first call, and fills in its values at each.
 * @param content the values and columns that are content, each with its location, of templates that name none
 * @example
 * const compile = templates(dialect)
 * const byKey = compile<{ user: string; key: string }>(
 *   (p) => sql`select value from entries where user_id = ${p.user} and key = ${p.key}`,
 * )
 * storage.read({ user }, [byKey({ user, key }, { returns: true })])
 */
export const templates =
  (dialect: Dialect, content?: ContentNames) =>
  <Values extends { [K in keyof Values]: Bind }>(
    build: (placeholders: Values) => SqlQuery,
    own = content,
  ): Template<Values> => {
    // A troupe has hundreds of queries, of which a short command uses few.
    const compiled = lazy(() =>
      fillerOf<Values>(boundOnce(dialect, dialect.compile(build(placeholdersOf<Values>(0)))), own),
    )
    return (values, more) => compiled()(values, more)
  }

/** Returns the statement of a query that has its values, for queries whose text depends on them. */
export const statementOf = (dialect: Dialect, query: SqlQuery, content?: ContentNames): Statement =>
  templates(dialect, content)(() => query)({})

function fillerOf<Values>({ sql, parameters }: Text, contentNames: ContentNames | undefined): Template<Values> {
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

/** The highest number of rows of one statement, for each of which its text is compiled and prepared. */
const maxRows = 16

/** Returns the statements that insert the rows, in order. @param detail of a rejection */
export type RowsTemplate<Values> = (rows: readonly Values[], detail?: Statement['detail']) => readonly Statement[]

interface RowsOptions {
  /** The values of a row that are content, each with its location. */
  readonly content?: ContentNames
  /** Each row must be inserted; otherwise the change is rejected with this code. */
  readonly otherwise?: ErrorCode
}

/**
 * Compiles an insert of several rows, once for each number of rows: one statement of several rows costs a fraction of as
 * many statements.
 * @param insert returns the query for rows that have these placeholders
 */
export function rowsTemplate<Values extends { [K in keyof Values]: Bind }>(
  dialect: Dialect,
  insert: (rows: readonly Values[]) => SqlQuery,
  { content: contentNames, otherwise }: RowsOptions,
): RowsTemplate<Values> {
  const compiled: ((rows: readonly Values[]) => Pick<Statement, 'sql' | 'binds' | 'content'>)[] = []
  const compile = (count: number) => {
    const placeholders = Array.from({ length: count }, (_, row) => placeholdersOf<Values>(row))
    const { sql, parameters } = boundOnce(dialect, dialect.compile(insert(placeholders)))
    const namesOf = (row: number) =>
      parameters.map((each) => (each instanceof Placeholder && each.row === row ? each.name : undefined))
    const binds = placeholders.flatMap((_, row) => compileContent(contentNames ?? {}, namesOf(row)).binds)
    return (rows: readonly Values[]) => ({
      sql,
      binds: parameters.map((each) =>
        each instanceof Placeholder ? (rows[each.row] as Values)[each.name as keyof Values] : (each as Bind),
      ),
      ...(contentNames ? { content: { binds, columns: [] } } : {}),
    })
  }
  const join = (values: readonly object[]) => inserted(values as readonly Values[])
  const inserted: RowsTemplate<Values> = (rows, detail) => {
    const statements: Statement[] = []
    for (let at = 0; at < rows.length; at += maxRows) {
      const some = rows.slice(at, at + maxRows)
      compiled[some.length] ??= compile(some.length)
      const statement = (compiled[some.length] as ReturnType<typeof compile>)(some)
      statements.push({
        ...statement,
        rows: { values: some as readonly object[], insert: join },
        ...(otherwise ? { expect: { rows: some.length }, otherwise } : {}),
        ...(detail ? { detail } : {}),
      })
    }
    return statements
  }
  return inserted
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
