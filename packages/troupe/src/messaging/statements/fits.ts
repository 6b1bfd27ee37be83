/** The condition that a message is of a type or of one that extends it, for claims, batches and lists. */
import { type RawBuilder, sql } from 'kysely'
import type { Dialect } from '../../storage/index.ts'
import type { Values } from './compile.ts'

/** A type that is left out, unless a message is of one of its kinds that are not. */
export interface Except {
  readonly type: string
  readonly unless?: readonly string[]
}

export interface MessageFilter {
  /** The accepted types; all if empty. */
  readonly types: readonly string[]
  readonly except: readonly Except[]
  /** Only the rest of this interrupted batch; null for messages outside interrupted batches; absent for all. */
  readonly batch?: string | null
}

/** Returns the shape of a filter without its values: filters of one shape share a statement. */
export const shapeOf = ({ types, except, batch }: MessageFilter): string =>
  `${types.length}/${except.map(({ unless = [] }) => unless.length).join(',')}/${batch === null ? 'none' : typeof batch}`

const prefixed = (prefix: string, names: readonly string[]) =>
  names.flatMap((name, i) => [
    [`${prefix}${i}`, name],
    [`${prefix}${i}Kind`, `\n${name}\t`],
  ])

/** The values of a filter. */
export const valuesOf = ({ types, except, batch }: MessageFilter): Values =>
  Object.fromEntries([
    ['batch', batch ?? null],
    ...prefixed('type', types),
    ...prefixed(
      'except',
      except.map(({ type }) => type),
    ),
    ...except.flatMap(({ unless = [] }, i) => prefixed(`unless${i}x`, unless)),
  ])

/**
 * A message belongs to an interrupted batch if it has a batch and has not failed since. The condition is also negated,
 * so it must not be null.
 */
function ofBatch(p: Values, { batch }: MessageFilter, column: (name: string) => RawBuilder<unknown>) {
  if (batch === undefined) return sql``
  if (batch === null) return sql`and (${column('batch')} is null or ${column('failures')} > 0)`
  return sql`and ${column('batch')} is not null and ${column('batch')} = ${p.batch} and ${column('failures')} = 0`
}

export function fits(dialect: Dialect, p: Values, wanted: MessageFilter, alias: string) {
  const { types, except } = wanted
  const column = (name: string) => sql.raw(`${alias}.${name}`)
  const positionFunction = dialect.name === 'postgres' ? sql.raw('strpos') : sql.raw('instr')
  const isOf = (prefix: string, count: number) => {
    const each = Array.from({ length: count }, (_, i) => `${prefix}${i}`)
    const inLineage = each.map((name) => sql`${positionFunction}(${column('kinds')}, ${p[`${name}Kind`]}) > 0`)
    return sql`(${column('type')} in (${sql.join(each.map((name) => p[name]))})
      or (${column('kinds')} is not null and (${sql.join(inLineage, sql` or `)})))`
  }
  const some = types.length === 0 ? sql`` : sql`and ${isOf('type', types.length)}`
  const others = except.map(({ unless = [] }, i) => {
    const left = sql`(${column('type')} = ${p[`except${i}`]} or (${column('kinds')} is not null
      and ${positionFunction}(${column('kinds')}, ${p[`except${i}Kind`]}) > 0))`
    return unless.length === 0
      ? sql`and not ${left}`
      : sql`and not (${left} and not ${isOf(`unless${i}x`, unless.length)})`
  })
  return sql`${some} ${sql.join(others, sql` `)} ${ofBatch(p, wanted, column)}`
}
