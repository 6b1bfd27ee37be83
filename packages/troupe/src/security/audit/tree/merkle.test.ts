import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { consistencyProof, inclusionProof, leafHash, MerkleTree, merkleRoot } from './merkle.ts'
import { consistent, includes } from './verify-proofs.test.fixture.ts'

const sha = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

/** The definitions of RFC 9162, 2.1, word for word. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
const naiveLeaf = (data: Buffer) => sha(Buffer.of(0), data)
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha()
  if (leaves.length === 1) return naiveLeaf(leaves[0] as Buffer)
  const k = split(leaves.length)
  return sha(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}
function naivePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return []
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return m < k ? [...naivePath(m, left), naiveRoot(right)] : [...naivePath(m - k, right), naiveRoot(left)]
}
function naiveProof(m: number, leaves: readonly Buffer[], known = true): Buffer[] {
  if (m === leaves.length) return known ? [] : [naiveRoot(leaves)]
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return m <= k
    ? [...naiveProof(m, left, known), naiveRoot(right)]
    : [...naiveProof(m - k, right, false), naiveRoot(left)]
}

/** Leaves of `Certificate Transparency`'s reference implementations, and the roots of the first one to eight of them. */
const known = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const texts = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${i}`))
/** From the leaves, as storage answers. */
const completeOf = (leaves: readonly Buffer[]) => (level: number, last: number) =>
  naiveRoot(leaves.slice(last + 1 - 2 ** level, last + 1))

describe('the tree of RFC 9162', () => {
  test('The tree of RFC 9162 has the known roots of the known leaves.', () => {
    const tree = new MerkleTree()
    expect(tree.root().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    known.forEach((leaf, i) => {
      tree.append(leafHash(Buffer.from(leaf, 'hex')))
      expect(tree.root().toString('hex')).toBe(roots[i])
    })
  })

  test('The tree of RFC 9162 has the paths and proofs of the seven leaves of section 2.1.5.', async () => {
    const leaves = texts(7)
    const complete = completeOf(leaves)
    const [a, b, c, d, , f, j] = leaves.map(naiveLeaf) as Buffer[]
    const node = (left: Buffer, right: Buffer) => sha(Buffer.of(1), left, right)
    const [g, h] = [node(a as Buffer, b as Buffer), node(c as Buffer, d as Buffer)]
    const i = node(naiveLeaf(leaves[4] as Buffer), f as Buffer)
    const [k, l] = [node(g, h), node(i, j as Buffer)]
    expect(await inclusionProof(0, 7, complete)).toEqual([b, h, l])
    expect(await inclusionProof(3, 7, complete)).toEqual([c, g, l])
    expect(await inclusionProof(4, 7, complete)).toEqual([f, j, k])
    expect(await inclusionProof(6, 7, complete)).toEqual([i, k])
    expect(await consistencyProof(3, 7, complete)).toEqual([c, d, g, l])
    expect(await consistencyProof(4, 7, complete)).toEqual([l])
    expect(await consistencyProof(6, 7, complete)).toEqual([i, j, k])
  })

  test('The tree of RFC 9162 equals its definition for any size, leaf and older size.', async () => {
    const size = fc.integer({ min: 1, max: 200 })
    const cases = fc.record({ size, index: fc.nat(), older: fc.nat() })
    await fc.assert(
      fc.asyncProperty(cases, async ({ size, ...at }) => {
        const leaves = texts(size)
        const complete = completeOf(leaves)
        const [index, older] = [at.index % size, at.older % (size + 1)]
        const root = await merkleRoot(size, complete)
        expect(root).toEqual(naiveRoot(leaves))
        const path = await inclusionProof(index, size, complete)
        expect(path).toEqual(naivePath(index, leaves))
        const leaf = naiveLeaf(leaves[index] as Buffer)
        expect(includes(leaf, index, size, path, root)).toBe(true)
        expect(includes(naiveLeaf(Buffer.from('another')), index, size, path, root)).toBe(false)
        if (size > 1) expect(includes(leaf, (index + 1) % size, size, path, root)).toBe(false)
        const before = { size: older, root: naiveRoot(leaves.slice(0, older)) }
        const proof = await consistencyProof(older, size, complete)
        if (older > 0) expect(proof).toEqual(older === size ? [] : naiveProof(older, leaves))
        expect(consistent(before, { size, root }, proof)).toBe(true)
        if (older > 0) expect(consistent({ ...before, root: sha(root) }, { size, root }, proof)).toBe(false)
        if (older > 0 && older < size) expect(consistent(before, { size, root: sha(root) }, proof)).toBe(false)
      }),
      { numRuns: 150 },
    )
  })

  test('The tree of RFC 9162 grows one leaf at a time, and reports which subtrees became complete.', () => {
    const leaves = texts(130)
    const tree = new MerkleTree()
    leaves.forEach((leaf, i) => {
      const complete = tree.append(leafHash(leaf))
      expect(tree.root()).toEqual(naiveRoot(leaves.slice(0, i + 1)))
      expect(complete).toEqual(complete.map((_, k) => naiveRoot(leaves.slice(i + 1 - 2 ** (k + 1), i + 1))))
    })
    const reloaded = new MerkleTree({ size: tree.size, peaks: tree.peaks })
    reloaded.append(leafHash('one more'))
    expect(reloaded.root()).toEqual(naiveRoot([...leaves, Buffer.from('one more')]))
  })
})
