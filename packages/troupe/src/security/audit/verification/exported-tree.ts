/**
 * The tree of an exported log, built from its lines and compared with each checkpoint when it has as many leaves.
 *
 * Invariant: once a line is missing or does not fit, no later root can, and none is compared.
 */
import { leafText, toRecord } from '../audit-record.ts'
import { leafHash, MerkleTree } from '../tree/merkle.ts'
import type { AuditFinding, ReportFinding } from './audit-finding.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ExportedLeaf, ExportedSubtree } from './export-audit.ts'
import { maxFindings } from './first-findings.ts'

/** The numbers that are tried as the former number of a moved leaf. */
const maxSearched = 1_000

export interface Coverage {
  /** The number of leaves of the last valid checkpoint. */
  readonly covered: number
  /** The number of valid checkpoints, and the time of the last one, ms since 1970. */
  readonly checkpoints: number
  readonly signedAt?: number
}

export class ExportedTree {
  readonly #checkpoints: ReadonlyMap<number, readonly Checkpoint[]>
  readonly #report: ReportFinding
  readonly #tree = new MerkleTree()
  /** The first leaves that do not match their own hash: as many as there are findings. */
  readonly #unsound: ExportedLeaf[] = []
  /** The numbers of these leaves and of those that follow them. */
  readonly #unsoundNumbers: number[] = []
  /**
   * The first missing places of leaves, with the number of leaves that are still to be found. Later ones would follow as
   * many findings as are reported.
   */
  readonly #gaps: { readonly from: number; readonly to: number; left: number }[] = []
  #size = 0
  #broken = false
  #coverage: Coverage = { covered: 0, checkpoints: 0 }

  /** @param checkpoints the checkpoints with valid signatures */
  constructor(checkpoints: readonly Checkpoint[], report: ReportFinding) {
    this.#checkpoints = Map.groupBy(checkpoints, ({ size }) => size)
    this.#report = report
    this.#compare()
  }

  get size(): number {
    return this.#size
  }
  get coverage(): Coverage {
    return this.#coverage
  }

  /** @returns true if the leaf follows the leaves before it; lines of a file may be moved or repeated */
  append(leaf: ExportedLeaf): boolean {
    const { n, id } = leaf
    if (n < this.#size) {
      const gap = this.#gaps.find(({ from, to }) => n >= from && n <= to)
      if (gap) gap.left--
      const problem = `leaf ${n} stands behind leaf ${this.#size - 1}`
      this.#break({ kind: 'reordered', n, record: recordOf(leaf), problem })
      return false
    }
    this.#skipTo(n)
    this.#size++
    const hash = leafHash(leafText(leaf))
    if (hash.toString('base64url') !== leaf.hash) this.#addUnsound(leaf)
    const nodes = this.#tree.append(hash)
    const level = this.#comparable ? nodes.findIndex((node, i) => node.toString('base64url') !== leaf.nodes[i]) + 1 : 0
    if (level > 0) {
      const first = n + 1 - 2 ** level
      const problem = `leaves ${first} to ${n} are not what was hashed`
      this.#break({ kind: 'changed', n: first, record: { id }, problem })
    }
    this.#compare()
    return true
  }

  /**
   * Appends pruned leaves: their root replaces them, and a later checkpoint must match it.
   * @returns true if the subtree follows the leaves before it
   */
  appendSubtree({ first, level, hash }: ExportedSubtree): boolean {
    const count = 2 ** level
    if (first < this.#size || first % count !== 0) {
      const problem = `leaves ${first} to ${first + count - 1} stand behind leaf ${this.#size - 1}`
      this.#break({ kind: 'reordered', n: first, problem })
      return false
    }
    this.#skipTo(first)
    this.#tree.append(Buffer.from(hash, 'base64url'), level)
    this.#size += count
    this.#compare()
    return true
  }

  /** Called after the last line. @param claimed the number of leaves that the head of the export states */
  end(claimed: number): void {
    this.#judgeUnsound()
    for (const { from, to, left } of this.#gaps)
      if (left > 0) this.#report({ kind: 'missing', n: from, problem: `leaves ${from} to ${to} are gone` })
    const expected = this.#checkpoints.keys().reduce((max, size) => Math.max(max, size), claimed)
    const problem = `there were ${expected} leaves, and leaves ${this.#size} to ${expected - 1} are gone`
    if (this.#size < expected) this.#report({ kind: 'truncated', n: this.#size, problem })
  }

  #addUnsound(leaf: ExportedLeaf): void {
    if (this.#unsound.length < maxFindings) this.#unsound.push(leaf)
    if (this.#unsoundNumbers.length < maxSearched) this.#unsoundNumbers.push(leaf.n)
  }

  #skipTo(n: number): void {
    if (n <= this.#size) return
    if (this.#gaps.length < maxFindings) this.#gaps.push({ from: this.#size, to: n - 1, left: n - this.#size })
    this.#broken = true
    this.#size = n
  }

  get #comparable(): boolean {
    return !this.#broken && this.#unsound.length === 0
  }

  #compare(): void {
    for (const { size, root, at } of this.#checkpoints.get(this.#size) ?? []) {
      if (!this.#comparable) return
      const { covered, checkpoints, signedAt = 0 } = this.#coverage
      if (root === this.#tree.root().toString('base64url'))
        this.#coverage = { covered: size, checkpoints: checkpoints + 1, signedAt: Math.max(at, signedAt) }
      else {
        const problem = `among leaves ${covered} to ${size - 1} are others than were signed`
        this.#break({ kind: 'rewritten', n: covered, problem })
      }
    }
  }

  /** A leaf with the hash of another place was moved; otherwise it was changed. */
  #judgeUnsound(): void {
    for (const leaf of this.#unsound) {
      const from = this.#unsoundNumbers.find(
        (n) => leafHash(leafText({ ...leaf, n })).toString('base64url') === leaf.hash,
      )
      const [kind, problem] =
        from === undefined
          ? (['changed', `leaf ${leaf.n} is not what was hashed`] as const)
          : (['reordered', `leaf ${leaf.n} was leaf ${from}`] as const)
      this.#report({ kind, n: leaf.n, record: recordOf(leaf), problem })
    }
  }

  #break(finding: AuditFinding): void {
    this.#broken = true
    this.#report(finding)
  }
}

const recordOf = ({ id, record }: ExportedLeaf): NonNullable<AuditFinding['record']> =>
  record ? toRecord(record) : { id }
