/** Valid arguments with each of their values replaced by each bad value in turn, at the top and within. */
import type { BadValue } from './bad-values.ts'
import { copyOf, isContainer } from './change-arguments.ts'
import type { Arguments } from './valid-arguments.ts'

export interface Change {
  /** What is replaced, for a report: `arg0.ttl = Symbol()`. */
  readonly change: string
  /** Makes the arguments afresh, because a call may change them. */
  readonly make: () => readonly unknown[]
}
type Path = readonly string[]

/** A frozen definition of the library is passed as it is: a caller does not write its fields. */
function pathsIn(value: unknown, path: Path): readonly Path[] {
  if (!isContainer(value) || Object.isFrozen(value)) return [path]
  return [path, ...Object.keys(value).flatMap((name) => pathsIn(value[name], [...path, name]))]
}

function replaced(valid: readonly unknown[], [first, ...rest]: Path, value: unknown): readonly unknown[] {
  const changed = copyOf(valid) as Record<string, unknown>
  const names = [first as string, ...rest]
  const last = names.pop() as string
  let container = changed
  for (const name of names) container = container[name] as Record<string, unknown>
  container[last] = value
  return changed as unknown as readonly unknown[]
}

export function* eachChange(lists: Arguments, values: readonly BadValue[]): Generator<Change> {
  yield { change: 'no argument', make: () => [] }
  const made = new Set<string>()
  for (const valid of lists.length > 0 ? lists : [[]]) {
    const positions = [...Array(Math.max(1, valid.length)).keys()].map(String)
    for (const path of positions.flatMap((position) => pathsIn(valid[Number(position)], [position]))) {
      const at = `arg${path.join('.')}`
      // The same position before the same other arguments is tried once.
      if (made.has(`${at} of ${valid.length}`)) continue
      made.add(`${at} of ${valid.length}`)
      for (const [label, make] of values)
        yield { change: `${at} = ${label}`, make: () => replaced(valid, path, make()) }
    }
  }
}
