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

/** Section 2.1.3.2. */
export function includes(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): boolean {
  if (index >= size) return false
  let [fn, sn, found] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      found = nodeHash(sibling, found)
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [half(fn), half(sn)]
    } else found = nodeHash(found, sibling)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && found.equals(root)
}

/** Section 2.1.4.2. */
export function consistent(
  older: { readonly size: number; readonly root: Hash },
  newer: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): boolean {
  if (older.size > newer.size) return false
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root)
  if (older.size === 0) return proof.length === 0
  const path = Number.isInteger(Math.log2(older.size)) ? [older.root, ...proof] : [...proof]
  const first = path.shift()
  if (!first) return false
  let [fn, sn, before, after] = [older.size - 1, newer.size - 1, first, first]
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)]
  for (const sibling of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      before = nodeHash(sibling, before)
      after = nodeHash(sibling, after)
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [half(fn), half(sn)]
    } else after = nodeHash(after, sibling)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && before.equals(older.root) && after.equals(newer.root)
}

/** Not by bits: a number of leaves may pass 2^31. */
const half = (n: number): number => Math.floor(n / 2)

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
