/**
 * The ids of the calls of a step: stage, kind, name and number. The same code creates the same ids in any interleaving of
 * its parallel calls, so calls need no explicit keys.
 */
import type { WorkInParts } from '../../core/index.ts'
import type { CallName } from '../recorder-port.ts'

/** `STAGE/KIND:NAME#N`. STAGE is empty for the step itself. */
export type CallId = string
/** The names of the stages from the outermost to the innermost, with `>` between them. */
export type StagePath = string

const escaped = (name: string) => name.replaceAll(/[%>/]/g, encodeURIComponent)

export const stageOf = (id: CallId): StagePath => id.slice(0, id.indexOf('/'))
export const isWithin = (path: StagePath, outer: StagePath): boolean => path === outer || path.startsWith(`${outer}>`)

const prefixOf = (stage: StagePath, { kind, name }: CallName) => `${stage}/${kind}:${name}`

export class CallCounter {
  readonly #counts = new Map<string, number>()

  next(stage: StagePath, call: CallName): CallId {
    const prefix = prefixOf(stage, call)
    const count = (this.#counts.get(prefix) ?? 0) + 1
    this.#counts.set(prefix, count)
    return `${prefix}#${count}`
  }

  /** Returns the id that `next` would return. */
  peek(stage: StagePath, call: CallName): CallId {
    const prefix = prefixOf(stage, call)
    return `${prefix}#${(this.#counts.get(prefix) ?? 0) + 1}`
  }

  /** Returns the path of a child stage. Children of one name have different paths. */
  child(stage: StagePath, name: string): StagePath {
    const own = escaped(name)
    const path = stage === '' ? own : `${stage}>${own}`
    const count = (this.#counts.get(path) ?? 0) + 1
    this.#counts.set(path, count)
    return count === 1 ? path : `${path}%${count}`
  }
}

/** The minimal length of a range. Fewer ids are listed one by one, which takes no more text. */
const shortestRange = 8
/** The maximal length of a range. A longer one in a damaged journal must not exhaust the memory of its reader. */
const longestRange = 1_000_000

/** Lists ids; calls of one kind and name with consecutive numbers are one text, `STAGE/KIND:NAME#FIRST-LAST`. */
export function* withRanges(ids: readonly CallId[]): WorkInParts<readonly string[]> {
  const listed: string[] = []
  for (let i = 0; i < ids.length; ) {
    const { name, number } = numbered(ids[i] as CallId)
    let count = 1
    for (; count < longestRange && ids[i + count] === `${name}${number + count}`; count++) yield
    if (count >= shortestRange) listed.push(`${name}${number}-${number + count - 1}`)
    else listed.push(...ids.slice(i, i + count))
    i += count
    yield
  }
  return listed
}

/** Returns the ids that `withRanges` listed. */
export function* withoutRanges(listed: readonly string[]): Iterable<CallId> {
  for (const each of listed) {
    const [, name, first, last] = /^(.*#)(\d+)-(\d+)$/s.exec(each) ?? []
    if (last === undefined || Number(last) - Number(first) >= longestRange) yield each
    else for (let number = Number(first); number <= Number(last); number++) yield `${name}${number}`
  }
}

function numbered(id: CallId): { readonly name: string; readonly number: number } {
  const end = id.lastIndexOf('#') + 1
  return { name: id.slice(0, end), number: Number(id.slice(end)) }
}
