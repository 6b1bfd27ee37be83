import { expect, it } from 'vitest'
import { leafText } from '../audit-record.ts'
import { leafHash } from '../tree/merkle.ts'
import type { AuditFinding } from './audit-finding.ts'
import type { ExportedLeaf } from './export-audit.ts'
import { exportedLog, storedRecord } from './exported-log.test.fixture.ts'
import { ExportedTree } from './exported-tree.ts'

const { leaves, checkpointOf } = exportedLog(['a', 'b', 'c', 'd', 'e'].map((id) => storedRecord(id)))
const hashed = (leaf: ExportedLeaf) => ({ ...leaf, hash: leafHash(leafText(leaf)).toString('base64url') })

function judge(lines: readonly ExportedLeaf[], { claimed = 5, signed = [2, 5] } = {}) {
  const findings: AuditFinding[] = []
  const tree = new ExportedTree(signed.map(checkpointOf), (finding) => findings.push(finding))
  const appended = lines.map((leaf) => tree.append(leaf))
  tree.end(claimed)
  return { appended, size: tree.size, ...tree.coverage, found: findings.map(({ kind, n }) => [kind, n]) }
}
const changed = (n: number, make: (leaf: ExportedLeaf) => ExportedLeaf) =>
  leaves.map((leaf) => (leaf.n === n ? make(leaf) : leaf))

it('A tree of unchanged leaves fits each checkpoint and has no findings.', () => {
  expect(judge(leaves)).toMatchObject({ size: 5, covered: 5, checkpoints: 2, signedAt: 5, found: [] })
})
it('An audit leaf with another hash is reported as changed, and no later checkpoint is valid.', () => {
  const lines = changed(3, (leaf) => ({ ...leaf, digest: 'other' }))
  expect(judge(lines)).toMatchObject({ covered: 2, checkpoints: 1, found: [['changed', 3]] })
})
it('Two audit leaves that changed places are reported as reordered.', () => {
  const lines = leaves.map((leaf) => ({ ...(leaves[[0, 1, 3, 2, 4][leaf.n] ?? 0] ?? leaf), n: leaf.n }))
  expect(judge(lines).found).toEqual([
    ['reordered', 2],
    ['reordered', 3],
  ])
})
it('An audit leaf that was hashed again after a change does not match the stored nodes.', () => {
  expect(judge(changed(3, (leaf) => hashed({ ...leaf, digest: 'other' }))).found).toEqual([['changed', 2]])
})
it('An audit leaf without stored nodes that was hashed again does not match the next checkpoint.', () => {
  expect(judge(changed(4, (leaf) => hashed({ ...leaf, digest: 'other' }))).found).toEqual([['rewritten', 2]])
})
it('An audit leaf that no exported line has is reported as missing, and one behind its place as reordered.', () => {
  expect(judge(leaves.toSpliced(2, 1)).found).toEqual([['missing', 2]])
  const [a, b, c, d, e] = leaves as never as [ExportedLeaf, ExportedLeaf, ExportedLeaf, ExportedLeaf, ExportedLeaf]
  expect(judge([a, b, d, c, e])).toMatchObject({ appended: [true, true, true, false, true], found: [['reordered', 2]] })
})
it('A log that is shorter than a checkpoint or than its head says is truncated.', () => {
  expect(judge(leaves.slice(0, 3), { claimed: 3 }).found).toEqual([['truncated', 3]])
  expect(judge(leaves.slice(0, 3), { signed: [2] }).found).toEqual([['truncated', 3]])
  expect(judge(leaves.slice(0, 3), { signed: [2], claimed: 3 }).found).toEqual([])
})
it('The root of a pruned subtree of the audit log proves its leaves.', () => {
  const findings: AuditFinding[] = []
  const tree = new ExportedTree([checkpointOf(5)], (finding) => findings.push(finding))
  const hash = leaves[3]?.nodes[1] ?? ''
  expect(tree.appendSubtree({ first: 0, level: 2, hash })).toBe(true)
  expect(tree.append(leaves[4] as ExportedLeaf)).toBe(true)
  expect(tree.coverage).toMatchObject({ covered: 5, checkpoints: 1 })
  expect(tree.appendSubtree({ first: 0, level: 2, hash })).toBe(false)
  expect(findings.map(({ kind, n }) => [kind, n])).toEqual([['reordered', 0]])
})
it('An audit tree names the missing end for any number of checkpoints.', () => {
  const findings: AuditFinding[] = []
  const checkpoint = { key: 'k', at: 0, root: '', signature: '' }
  const checkpoints = Array.from({ length: 200_000 }, (_, i) => ({ ...checkpoint, size: i + 1 }))
  new ExportedTree(checkpoints, (finding) => findings.push(finding)).end(0)
  expect(findings).toMatchObject([{ kind: 'truncated', problem: expect.stringContaining('200000 leaves') }])
})
