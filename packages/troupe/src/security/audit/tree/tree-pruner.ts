/**
 * Removes leaves of the tree whose records were deleted. The hash of the largest subtree without other leaves replaces them, so
 * that every later root, and each proof of a remaining leaf, can be computed. The removal is recorded and signed first, so that
 * the verifier knows which leaves may be missing.
 *
 * Invariant: a leaf is removed only after its record, when rejections of its age were deleted too. Leaves of the troupe's own
 * records stay.
 */
import type { Storage } from '../../../storage/index.ts'
import { leafNumbersDigest } from '../audit-record.ts'
import type { AuditStatements } from '../audit-statements.ts'

export interface TreePrunerParts {
  readonly storage: Pick<Storage, 'commit' | 'read'>
  readonly statements: AuditStatements
  /** Records it durably and in the tree. @param resource of the record, as `readPruneExcuse` reads it */
  readonly announce: (resource: string) => Promise<void>
}

/** The content of a record of `audit.prune`. */
export interface PruneExcuse {
  /** Leaves below this number may be gone. */
  readonly size: number
  /** Their records have lower ids than this. */
  readonly before: string
  /** The digest of the numbers below `size` of the troupe's own leaves, which stay. */
  readonly systemLeaves: string
}

const pruneExcuse = ({ size, before, systemLeaves }: PruneExcuse): string => `${size} ${before} ${systemLeaves}`

export function readPruneExcuse(resource: string): PruneExcuse {
  const [size, before = '~', systemLeaves = ''] = resource.split(' ')
  return { size: Number(size), before, systemLeaves }
}

/** A complete subtree of 2^level leaves. */
export interface Subtree {
  readonly first: number
  readonly level: number
}
export interface WindowLeaf {
  readonly n: number
  /** `later`: its record is there, or young. `retained`: it stays. */
  readonly state: 'prunable' | 'retained' | 'later'
}

/** The number of leaves of the subtrees that are read and removed together. */
const windowLevel = 10
const windowLeaves = 2 ** windowLevel
/** The record that announces a round costs as much as a few leaves. */
const leastLeaves = 256
/** The highest number of windows of one round; the next round continues there. */
const maxWindows = 500
const states = ['prunable', 'retained', 'later'] as const

/** Returns the largest subtrees at `first` whose leaves can all be pruned. */
export function prunableSubtrees({ first, level }: Subtree, leaves: readonly WindowLeaf[]): readonly Subtree[] {
  if (leaves.length === 0 || level === 0) return []
  if (leaves.every(({ state }) => state === 'prunable')) return [{ first, level }]
  const middle = first + 2 ** (level - 1)
  return [
    ...prunableSubtrees(
      { first, level: level - 1 },
      leaves.filter(({ n }) => n < middle),
    ),
    ...prunableSubtrees(
      { first: middle, level: level - 1 },
      leaves.filter(({ n }) => n >= middle),
    ),
  ]
}

export class TreePruner {
  readonly #parts: TreePrunerParts
  /** No leaf below this number can be pruned later. */
  #from = 0

  constructor(parts: TreePrunerParts) {
    this.#parts = parts
  }

  /**
   * @param before leaves of records from this id on stay
   * @returns the number of leaves removed
   */
  async prune(before: string): Promise<number> {
    const { storage, statements, announce } = this.#parts
    const { subtrees, count, from } = await this.#plan(before)
    const last = subtrees.at(-1)
    if (count === 0) this.#from = from
    if (!last || count < leastLeaves) return 0
    const size = last.first + 2 ** last.level
    const [rows = []] = await storage.read({ work: true }, [statements.systemLeaves({ size })])
    await announce(pruneExcuse({ size, before, systemLeaves: leafNumbersDigest(rows.map(({ n }) => Number(n))) }))
    for (const { first, level } of subtrees)
      await storage.commit({ id: null, scope: { work: true }, statements: statements.prune(first, level, before) })
    this.#from = from
    return count
  }

  async #plan(before: string) {
    const { storage, statements } = this.#parts
    const [heads] = await storage.read({ work: true }, [statements.head({})])
    const size = Number(heads?.[0]?.size ?? 0)
    const subtrees: Subtree[] = []
    let [count, next, from] = [0, this.#from, undefined as number | undefined]
    for (let windows = 0; windows < maxWindows; windows++) {
      const [rows] = await storage.read({ work: true }, [statements.firstLeaf({ from: next })])
      const lowest = rows?.[0]?.n
      if (lowest === undefined || lowest === null) break
      const first = Math.floor(Number(lowest) / windowLeaves) * windowLeaves
      if (first + windowLeaves > size) break
      const leaves = await this.#leavesOf(first, before)
      const found = prunableSubtrees({ first, level: windowLevel }, leaves)
      subtrees.push(...found)
      count += leaves.filter(({ n }) =>
        found.some((each) => n >= each.first && n < each.first + 2 ** each.level),
      ).length
      if (leaves.some(({ state }) => state === 'later')) from ??= first
      next = first + windowLeaves
      // Later leaves are younger.
      if (leaves.every(({ state }) => state !== 'prunable') && from !== undefined) break
    }
    return { subtrees, count, from: from ?? next }
  }

  async #leavesOf(first: number, before: string): Promise<readonly WindowLeaf[]> {
    const statement = this.#parts.statements.leavesOfWindow(first, first + windowLeaves, before)
    const [rows = []] = await this.#parts.storage.read({ work: true }, [statement])
    return rows.map(({ n, state }) => ({ n: Number(n), state: states[Number(state)] ?? 'later' }))
  }
}
