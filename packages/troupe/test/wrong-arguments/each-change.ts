/** Valid arguments with each of their values replaced by each wrong value in turn, at the top and within. */
import { fieldOf } from '../../src/core/index.ts'
import { copyOf, isContainer } from '../reliability/outside/fuzz/change-arguments.ts'
import type { Arguments } from '../reliability/outside/fuzz/valid-arguments.ts'
import { wrongValues } from './wrong-values.ts'

export interface Change {
  /** What is replaced, for a report: `arg0.ttl = Symbol()`. */
  readonly label: string
  /** Makes the arguments afresh, because a call may change them. */
  readonly make: () => readonly unknown[]
}
type Path = readonly string[]

/** Deeper values are of the same kinds. */
const maxPathLength = 3

/** An agent or a topology of the library is passed as it is: a caller does not write its fields. */
const isMade = (value: unknown) => Object.isFrozen(value) || fieldOf(value, 'step') !== undefined

function pathsIn(value: unknown, path: Path): readonly Path[] {
  if (!isContainer(value) || isMade(value) || path.length >= maxPathLength) return [path]
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

export function* eachChange(lists: Arguments): Generator<Change> {
  yield { label: 'no argument', make: () => [] }
  const made = new Set<string>()
  for (const valid of lists.length > 0 ? lists : [[]]) {
    const positions = [...Array(Math.max(1, valid.length)).keys()].map(String)
    for (const path of positions.flatMap((position) => pathsIn(valid[Number(position)], [position]))) {
      const at = `arg${path.join('.')}`
      // The same position before the same other arguments is tried once.
      if (made.has(`${at} of ${valid.length}`)) continue
      made.add(`${at} of ${valid.length}`)
      for (const [label, make] of wrongValues)
        yield { label: `${at} = ${label}`, make: () => replaced(valid, path, make()) }
    }
  }
}
