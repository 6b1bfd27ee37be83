/** An exported log that is made in memory, for the tests of what verifies one. */
import { markOf } from '../../encryption/data-key-statements.ts'
import { leafText, recordDigest, type StoredRecord } from '../audit-record.ts'
import { leafHash, MerkleTree } from '../tree/merkle.ts'
import type { ExportedLeaf } from './export-audit.ts'

export type ExportedRecord = ExportedLeaf & { readonly record: StoredRecord }

export const storedRecord = (id: string, fields: Partial<StoredRecord> = {}): StoredRecord => ({
  ...{ user: 'ada', id, at: 0, actor: 'A', key: null, operation: 'push_context', resource: null },
  ...{ allowed: 1, reason: null, nonce: `nonce-${id}`, signature: null, ...fields },
})

/** The leaves of these records, and the root that the tree has with each. */
export function exportedLog(records: readonly StoredRecord[]) {
  const tree = new MerkleTree()
  const roots = [tree.root().toString('base64url')]
  const leaves = records.map((record, n): ExportedRecord => {
    const mark = record.user === '' ? '' : markOf(record.user)
    const leaf = { n, id: record.id, mark, digest: recordDigest(record) }
    const hash = leafHash(leafText(leaf))
    const nodes = tree.append(hash).map((node) => node.toString('base64url'))
    roots.push(tree.root().toString('base64url'))
    return { ...leaf, hash: hash.toString('base64url'), nodes, record }
  })
  const checkpointOf = (size: number) => ({ key: 'k', at: size, size, root: roots[size] ?? '', signature: '' })
  return { leaves, checkpointOf }
}

export function withoutRecord({ record: _, ...leaf }: ExportedRecord): ExportedLeaf {
  return leaf
}
