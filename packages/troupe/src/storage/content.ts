/**
 * Which values of a statement are content, and what each belongs to. A room says so once, where it compiles the statement;
 * what seals values does it at the storage port (`encrypted-storage.ts`). Without encryption nobody looks at this.
 *
 * What is not named here is stored as it is: keys, names, topics, ids, versions, times, counts.
 */
import { failure } from '../core/index.ts'

/**
 * By the name of a value of the statement and of a column that it returns: the kind of content, then what names its place
 * among that kind: other values or columns, or a text after `=`.
 * @example { payload: ['message.payload', 'id'], body: ['inbox', 'journal', '=timer', 'name'] }
 */
export type ContentNames = { readonly [name: string]: readonly [kind: string, ...of: string[]] }

/** What a sealed value is bound to besides its user: it opens nowhere else. */
export interface ValueLocation {
  readonly kind: string
  readonly of: readonly string[]
}

interface Part {
  readonly name: string
  /** Which of the statement's values has that name. */
  readonly bind: number | undefined
  readonly text: string | undefined
}
interface Belonging {
  readonly kind: string
  readonly of: readonly Part[]
}

/** Compiled with its statement. */
export interface Content {
  /** Values by their index, each with what it belongs to. */
  readonly binds: readonly { readonly index: number; readonly to: Belonging }[]
  /** Columns of rows that it returns. */
  readonly columns: readonly { readonly column: string; readonly to: Belonging }[]
}

/** @param names of the statement's values, by their index; undefined for a constant */
export function compileContent(content: ContentNames, names: readonly (string | undefined)[]): Content {
  const columns = Object.entries(content).map(([column, [kind, ...of]]) => ({
    column,
    to: { kind, of: of.map((name) => partOf(name, names)) },
  }))
  const binds = columns.flatMap(({ column, to }) =>
    names.flatMap((name, index) => (name === column ? [{ index, to }] : [])),
  )
  for (const { to } of binds)
    for (const { name, bind, text } of to.of)
      if (bind === undefined && text === undefined)
        throw failure('invariant.broken', { rule: `a statement that writes ${to.kind} has the value ${name}` })
  return { binds, columns }
}

function partOf(name: string, names: readonly (string | undefined)[]): Part {
  if (name.startsWith('=')) return { name, bind: undefined, text: name.slice(1) }
  const bind = names.indexOf(name)
  return { name, bind: bind < 0 ? undefined : bind, text: undefined }
}

/** @param row goes before the values, where it has the column */
export function locationOf(
  { kind, of }: Belonging,
  binds: readonly unknown[],
  row?: { readonly [column: string]: unknown },
): ValueLocation {
  return {
    kind,
    of: of.map(({ name, bind, text }) => {
      if (text !== undefined) return text
      const value = row && name in row ? row[name] : bind === undefined ? undefined : binds[bind]
      if (value === undefined) throw failure('invariant.broken', { rule: `a read of ${kind} returns ${name}` })
      return String(value)
    }),
  }
}
