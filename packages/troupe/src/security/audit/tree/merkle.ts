/**
 * The Merkle tree of RFC 9162, section 2.1: SHA-256, leaves hashed after a byte 0, nodes after a byte 1. It is pure; a
 * function reads the hashes of stored complete subtrees, so that a proof costs O(log n) reads.
 */
import { hash } from 'node:crypto'

/** 32 bytes. */
export type Hash = Buffer

const prefix = { leaf: Buffer.of(0), node: Buffer.of(1) }

export const leafHash = (data: string | Uint8Array): Hash =>
  hash('sha256', Buffer.concat([prefix.leaf, Buffer.from(data as string)]), 'buffer')
export const nodeHash = (left: Hash, right: Hash): Hash =>
  hash('sha256', Buffer.concat([prefix.node, left, right]), 'buffer')
/** The root of the empty tree. */
export const emptyRoot: Hash = hash('sha256', '', 'buffer')

/** The subtree of the 2^level leaves that end with leaf `last`. */
export type Complete = (level: number, last: number) => Promise<Hash> | Hash

/** The largest power of two below n; n is 2 at least. */
const splitOf = (n: number): number => 2 ** Math.floor(Math.log2(n - 1))

/** MTH(D[low:high]) */
async function subtree(low: number, high: number, complete: Complete): Promise<Hash> {
  const count = high - low
  if (count === 0) return emptyRoot
  const level = Math.log2(count)
  if (Number.isInteger(level) && low % count === 0) return complete(level, high - 1)
  const split = low + splitOf(count)
  return nodeHash(await subtree(low, split, complete), await subtree(split, high, complete))
}

export const merkleRoot = (size: number, complete: Complete): Promise<Hash> => subtree(0, size, complete)

/** PATH(index, D[0:size]): the siblings from the leaf up. */
export function inclusionProof(index: number, size: number, complete: Complete): Promise<readonly Hash[]> {
  const path = async (low: number, high: number): Promise<Hash[]> => {
    if (high - low <= 1) return []
    const split = low + splitOf(high - low)
    return index < split
      ? [...(await path(low, split)), await subtree(split, high, complete)]
      : [...(await path(split, high)), await subtree(low, split, complete)]
  }
  return path(0, size)
}

/** PROOF(older, D[0:size]): that the tree of `older` leaves begins this one. */
export function consistencyProof(older: number, size: number, complete: Complete): Promise<readonly Hash[]> {
  const proof = async (low: number, high: number, known: boolean): Promise<Hash[]> => {
    if (older === high) return known ? [] : [await subtree(low, high, complete)]
    const split = low + splitOf(high - low)
    return older <= split
      ? [...(await proof(low, split, known)), await subtree(split, high, complete)]
      : [...(await proof(split, high, false)), await subtree(low, split, complete)]
  }
  return older === 0 || older === size ? Promise.resolve([]) : proof(0, size, true)
}

/** A tree that only grows: it stores the roots of its complete subtrees, one per bit of its size. */
export class MerkleTree {
  #size: number
  readonly #peaks: { readonly level: number; readonly hash: Hash }[]

  constructor(from: { readonly size: number; readonly peaks: readonly { level: number; hash: Hash }[] } = empty) {
    this.#size = from.size
    this.#peaks = [...from.peaks]
  }

  get size(): number {
    return this.#size
  }
  get peaks(): readonly { readonly level: number; readonly hash: Hash }[] {
    return this.#peaks
  }
  root(): Hash {
    const hashes = this.#peaks.map((peak) => peak.hash)
    return hashes.length === 0 ? emptyRoot : hashes.reduceRight((right, left) => nodeHash(left, right))
  }
  /**
   * @param from its level, where it is not a leaf but a complete subtree: the size must be a multiple of its leaves
   * @returns the subtrees that became complete with it, from the level above up
   */
  append(appended: Hash, from = 0): readonly Hash[] {
    const complete: Hash[] = []
    let [level, hash] = [from, appended]
    for (let peak = this.#peaks.at(-1); peak?.level === level; peak = this.#peaks.at(-1)) {
      this.#peaks.pop()
      hash = nodeHash(peak.hash, hash)
      level++
      complete.push(hash)
    }
    this.#peaks.push({ level, hash })
    this.#size += 2 ** from
    return complete
  }
}
const empty = { size: 0, peaks: [] }
