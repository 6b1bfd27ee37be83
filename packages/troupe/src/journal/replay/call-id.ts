/**
 * Names the calls of a step: by stage, kind, name, and the n-th such call. The same code gives the same names, whatever
 * else runs beside it; so chains and races need no keys.
 */
import type { WorkInParts } from '../../core/index.ts'
import type { CallName } from '../recorder-port.ts'

/** `STAGE/KIND:NAME#N`, STAGE being empty for the step itself. */
export type CallId = string
/** Names of stages from the outside in, `>` between them. */
export type StagePath = string

const escaped = (name: string) => name.replaceAll(/[%>/]/g, (sign) => encodeURIComponent(sign).replace('>', '%3E'))

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

  /** The path of a child; a second child of the same name has a path of its own. */
  child(stage: StagePath, name: string): StagePath {
    const own = escaped(name)
    const path = stage === '' ? own : `${stage}>${own}`
    const count = (this.#counts.get(path) ?? 0) + 1
    this.#counts.set(path, count)
    return count === 1 ? path : `${path}%${count}`
  }
}

/** Shorter runs of ids are listed: as a range they would be as long. */
const shortestRange = 8
/** A longer range is no range of ours: a journal that others wrote must not exhaust the memory of its reader. */
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
