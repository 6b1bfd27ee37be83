/**
 * The values of a statement that are content, and the location to which each is bound. A module declares its content
 * once, where it compiles the statement. `wrappers/encrypt-storage.ts` encrypts it at the storage port; without
 * encryption this declaration is unused.
 *
 * All other values are stored in plain form: keys, names, topics, ids, versions, times and counts.
 */
import { failure } from '../core/index.ts'

/**
 * Content by the name of a value of the statement and of a column that the statement returns. Each item gives the kind
 * of content and then the values that identify its location within that kind. These are names of other values or
 * columns, or a text after `=`.
 * @example { payload: ['message.payload', 'id'], body: ['inbox', 'journal', '=timer', 'name'] }
 */
export type ContentNames = { readonly [name: string]: readonly [kind: string, ...of: string[]] }

/**
 * The location to which an encrypted value is bound, in addition to its user; it cannot be decrypted at another
 * location.
 */
export interface ValueLocation {
  /** The kind of content. */
  readonly kind: string
  /** The values that identify the location within the kind. */
  readonly of: readonly string[]
}

interface Part {
  /** The name of the value or column, as the declaration has it. */
  readonly name: string
  /** The index of the statement's value with that name. */
  readonly bind: number | undefined
  /** The constant text; undefined for a value or column. */
  readonly text: string | undefined
}
interface Belonging {
  /** The kind of content. */
  readonly kind: string
  /** The values that identify the location within the kind. */
  readonly of: readonly Part[]
}

/** The content of a statement, compiled together with the statement. */
export interface Content {
  /** The indexes of the values that are content, each with its location. */
  readonly binds: readonly {
    /** The index of the value. */
    readonly index: number
    /** The location to which it is bound. */
    readonly to: Belonging
  }[]
  /** The returned columns that are content. */
  readonly columns: readonly {
    /** The name of the column. */
    readonly column: string
    /** The location to which it is bound. */
    readonly to: Belonging
  }[]
}

/** @param names the names of the statement's values by index; undefined for a constant */
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

/** @param row is preferred to the values, if it has the column */
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
