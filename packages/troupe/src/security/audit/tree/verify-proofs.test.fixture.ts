/** The checks of proofs that RFC 9162 gives to a reader of the tree, who has two roots and no tree. */
import { type Hash, nodeHash } from './merkle.ts'

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
