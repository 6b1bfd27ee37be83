/**
 * Verifies an exported log against its checkpoints, with nothing but the public key: whether what was signed is still
 * there, unchanged and in its order, and if not, where it begins to differ. What came after the last checkpoint is compared
 * with itself alone.
 */
import type { KeyObject } from 'node:crypto'
import { failure, idAt } from '../../../core/index.ts'
import { markOf } from '../../encryption/data-key-statements.ts'
import {
  type AuditRecord,
  leafNumbersDigest,
  leafText,
  recordDigest,
  type StoredRecord,
  toRecord,
} from '../audit-record.ts'
import { incidentsMs, leastRetentionMs } from '../audit-tables.ts'
import { leafHash, MerkleTree } from '../tree/merkle.ts'
import { type PruneExcuse, readPruneExcuse } from '../tree/tree-pruner.ts'
import { type AuditVerifier, auditVerifier, type Checkpoint, excusingOperations } from './checkpoint.ts'
import type { ExportedLeaf, ExportedLine, ExportedSubtree } from './export-audit.ts'

export interface AuditFinding {
  /**
   * `changed`: a record, or the leaf that stands for it. `missing`: a record, or its leaf. `inserted`: a record that never
   * got its place. `reordered`: leaves that stand in each other's place. `rewritten`: leaves, hashes and all, so that only
   * the next checkpoint tells. `truncated`: the end, which a checkpoint had. `checkpoint`: one that is not signed by the key.
   */
  readonly kind: 'changed' | 'missing' | 'inserted' | 'reordered' | 'rewritten' | 'truncated' | 'checkpoint'
  /** Index of the leaf, from 0. Of several, the first. */
  readonly n?: number
  readonly record?: AuditRecord | { readonly id: string }
  readonly problem: string
}

export interface AuditReport {
  /** Nothing was found, and a checkpoint covers something or there is nothing to cover. */
  readonly ok: boolean
  /** Leaves that are there. */
  readonly size: number
  /** Leaves that a checkpoint covers and that are as they were signed. */
  readonly covered: number
  /** Records whose retention is over; records of users who were forgotten. Their hashes are still there, and fit. */
  readonly retired: number
  readonly erased: number
  /** Records that wait for their place. */
  readonly waiting: number
  /** Checkpoints that hold, and the moment of the last one, ms since 1970. */
  readonly checkpoints: number
  readonly signedAt?: number
  /** In the order of the log. At most 100. */
  readonly findings: readonly AuditFinding[]
}

export interface VerifyAuditParts {
  readonly lines: AsyncIterable<string> | Iterable<string>
  readonly checkpoints: readonly Checkpoint[]
  readonly publicKeys: readonly (string | KeyObject)[]
  /** The shortest retention that the log had: a retirement excuses nothing that was younger. 1 h by default. */
  readonly retentionMs?: number | undefined
  /** Marks of users that have rows in other tables; a user who was forgotten has none, or came back and is in the log. */
  readonly marksWithRows?: ReadonlySet<string> | undefined
  readonly signal?: AbortSignal | undefined
}

const maxFindings = 100

/** @throws ValidationError for lines that are no export, a key that is none; CancelledError */
export async function verifyExport(parts: VerifyAuditParts): Promise<AuditReport> {
  const { lines, publicKeys, signal } = parts
  const verifier = new Verifier(parts, auditVerifier(publicKeys))
  let number = 0
  for await (const text of lines) {
    if (signal?.aborted) throw failure('cancelled', { what: 'verifyAudit' }, { cause: signal.reason })
    number++
    if (text.trim() !== '') verifier.verifyLine(lineOf(text, number))
  }
  return verifier.report()
}

function lineOf(text: string, number: number): ExportedLine {
  const wrong = () =>
    failure('validation.failed', { what: `Line ${number} of the audit log`, problem: 'it is not of an export' })
  let line: ExportedLine
  try {
    line = JSON.parse(text) as ExportedLine
  } catch {
    throw wrong()
  }
  if (typeof line !== 'object' || line === null) throw wrong()
  if (number === 1 ? !('troupe' in line) : !('n' in line) && !('first' in line) && !('record' in line)) throw wrong()
  return line
}

class Verifier {
  readonly #signed: readonly Checkpoint[]
  readonly #excuses: AuditVerifier['excuses']
  readonly #retentionMs: number
  readonly #marksWithRows: ReadonlySet<string>
  readonly #tree = new MerkleTree()
  readonly #findings: AuditFinding[] = []
  /** Leaves without a record: whether they may be is known when all were seen. */
  readonly #gone: { readonly n: number; readonly id: string; readonly mark: string }[] = []
  /** By the mark of a user: the last leaf that says it was forgotten, and the last leaf of the user itself. */
  readonly #erased = new Map<string, number>()
  readonly #lastLeaf = new Map<string, number>()
  /** Records that would excuse others, and whose signature does not hold. */
  readonly #unsigned: string[] = []
  /** Leaves that are not what their own hash says. */
  readonly #odd: { readonly leaf: ExportedLeaf }[] = []
  /** Leaves that did not stand in their place, and how many of them stood nowhere so far. */
  readonly #gaps: { readonly from: number; readonly to: number; left: number }[] = []
  #retiredBefore = ''
  /** The one that reaches farthest, and the subtrees that were pruned. */
  #prune: PruneExcuse = { size: 0, before: '', systemLeaves: '' }
  readonly #pruned: ExportedSubtree[] = []
  /** Numbers of leaves of what the troupe did as a whole: they are never pruned. */
  readonly #systemLeaves: number[] = []
  #next = 0
  #covered = 0
  #holding = 0
  #signedAt: number | undefined
  #broken = false
  #waiting = 0
  #claimed = 0

  constructor({ checkpoints, retentionMs = 0, marksWithRows = new Set() }: VerifyAuditParts, verifier: AuditVerifier) {
    const { isSigned: signed } = verifier
    this.#excuses = verifier.excuses
    this.#retentionMs = Math.max(retentionMs, leastRetentionMs)
    this.#marksWithRows = marksWithRows
    for (const checkpoint of checkpoints)
      if (!signed(checkpoint)) {
        const problem = `the checkpoint of ${checkpoint.size} leaves is not signed by this key`
        this.#find({ kind: 'checkpoint', problem })
      }
    this.#signed = checkpoints.filter(signed).toSorted((a, b) => a.size - b.size)
  }

  verifyLine(line: ExportedLine): void {
    if ('troupe' in line) this.#claimed = line.size
    else if ('n' in line) this.#leaf(line)
    else if ('first' in line) this.#subtree(line)
    else this.#stray(line)
  }

  #leaf(leaf: ExportedLeaf): void {
    const { n, id, mark } = leaf
    if (this.#next === 0) this.#compare()
    if (n < this.#next) {
      this.#late(leaf)
      return
    }
    this.#skipTo(n)
    this.#next++
    const hash = leafHash(leafText(leaf))
    const sound = hash.toString('base64url') === leaf.hash
    if (!sound) this.#odd.push({ leaf })
    const nodes = this.#tree.append(hash).map((node) => node.toString('base64url'))
    if (sound && !this.#broken && this.#odd.length === 0 && nodes.some((node, i) => node !== leaf.nodes[i])) {
      const first = n + 1 - 2 ** (nodes.findIndex((node, i) => node !== leaf.nodes[i]) + 1)
      this.#break({
        kind: 'changed',
        n: first,
        record: { id },
        problem: `leaves ${first} to ${n} are not what was hashed`,
      })
    }
    if (mark !== '') this.#lastLeaf.set(mark, n)
    else this.#systemLeaves.push(n)
    if (!leaf.record) this.#gone.push({ n, id, mark })
    else this.#record(leaf, leaf.record)
    this.#compare()
  }

  /** Leaves that were pruned: their root stands for them, and must be one that a later checkpoint fits. */
  #subtree(subtree: ExportedSubtree): void {
    const { first, level, hash } = subtree
    const count = 2 ** level
    if (this.#next === 0) this.#compare()
    if (first < this.#next || first % count !== 0) {
      const problem = `leaves ${first} to ${first + count - 1} stand behind leaf ${this.#next - 1}`
      this.#break({ kind: 'reordered', n: first, problem })
      return
    }
    this.#skipTo(first)
    this.#tree.append(Buffer.from(hash, 'base64url'), level)
    this.#next += count
    this.#pruned.push(subtree)
    this.#compare()
  }

  #skipTo(n: number): void {
    if (n <= this.#next) return
    this.#gaps.push({ from: this.#next, to: n - 1, left: n - this.#next })
    this.#broken = true
    this.#next = n
  }

  /** In a file lines may be moved, or stand twice. */
  #late(leaf: ExportedLeaf): void {
    const { n, id } = leaf
    const gap = this.#gaps.find(({ from, to }) => n >= from && n <= to)
    if (gap) gap.left--
    const problem = `leaf ${n} stands behind leaf ${this.#next - 1}`
    this.#break({ kind: 'reordered', n, record: leaf.record ? toRecord(leaf.record) : { id }, problem })
  }

  #record({ n, id, mark, digest }: ExportedLeaf, record: NonNullable<ExportedLeaf['record']>): void {
    const of = record.user === '' ? '' : markOf(record.user)
    if (record.id !== id || of !== mark || recordDigest(record) !== digest)
      this.#find({ kind: 'changed', n, record: toRecord(record), problem: `the record ${id} is not what it was` })
    else if (record.user === '' && excusingOperations.includes(record.operation)) this.#excuse(n, record)
  }

  #excuse(n: number, record: StoredRecord): void {
    const { id, at, operation, resource, signature } = record
    if (resource === null || !this.#excuses(record, signature)) this.#unsigned.push(id)
    else if (operation === 'user.forget') this.#erased.set(resource, n)
    else if (operation === 'audit.prune') {
      const excuse = readPruneExcuse(resource)
      const oldEnough = idAt(at - Math.max(this.#retentionMs, incidentsMs))
      if (excuse.before <= oldEnough && excuse.size > this.#prune.size) this.#prune = excuse
    } else {
      const oldEnough = idAt(at - this.#retentionMs)
      const before = resource < oldEnough ? resource : oldEnough
      if (before > this.#retiredBefore) this.#retiredBefore = before
    }
  }

  #stray({ record, waits }: Extract<ExportedLine, { waits: unknown }>): void {
    if (waits !== null && waits === recordDigest(record)) this.#waiting++
    else {
      const problem =
        waits === null ? `the record ${record.id} has no place` : `the record ${record.id} is not what it was`
      this.#find({ kind: waits === null ? 'inserted' : 'changed', record: toRecord(record), problem })
    }
  }

  /** With what was signed when there were as many leaves. */
  #compare(): void {
    const root = this.#tree.root().toString('base64url')
    for (const checkpoint of this.#signed) {
      if (checkpoint.size !== this.#next) continue
      if (!this.#broken && this.#odd.length === 0 && checkpoint.root === root) {
        this.#covered = checkpoint.size
        this.#holding++
        this.#signedAt = Math.max(checkpoint.at, this.#signedAt ?? 0)
      } else if (!this.#broken && this.#odd.length === 0)
        this.#break({
          kind: 'rewritten',
          n: this.#covered,
          problem: `among leaves ${this.#covered} to ${checkpoint.size - 1} are others than were signed`,
        })
    }
  }

  report(): AuditReport {
    if (this.#next === 0) this.#compare()
    this.#judgeOdd()
    for (const { from, to, left } of this.#gaps)
      if (left > 0) this.#find({ kind: 'missing', n: from, problem: `leaves ${from} to ${to} are gone` })
    const { retired, erased } = this.#judgeGone()
    const expectedSize = Math.max(this.#claimed, this.#signed.at(-1)?.size ?? 0)
    if (this.#next < expectedSize)
      this.#find({
        kind: 'truncated',
        n: this.#next,
        problem: `there were ${expectedSize} leaves, and leaves ${this.#next} to ${expectedSize - 1} are gone`,
      })
    const findings = this.#findings.toSorted((a, b) => (a.n ?? Infinity) - (b.n ?? Infinity)).slice(0, maxFindings)
    return {
      ok: findings.length === 0 && (this.#holding > 0 || this.#next === 0),
      size: this.#next,
      covered: this.#covered,
      retired,
      erased,
      waiting: this.#waiting,
      checkpoints: this.#holding,
      ...(this.#signedAt === undefined ? {} : { signedAt: this.#signedAt }),
      findings,
    }
  }

  /** A leaf whose own hash is that of another place was moved there; else something of it was changed. */
  #judgeOdd(): void {
    const leafNumbers = this.#odd.map(({ leaf }) => leaf.n)
    for (const { leaf } of this.#odd) {
      const from = leafNumbers.find((n) => leafHash(leafText({ ...leaf, n })).toString('base64url') === leaf.hash)
      const record = leaf.record ? toRecord(leaf.record) : { id: leaf.id }
      if (from !== undefined)
        this.#find({ kind: 'reordered', n: leaf.n, record, problem: `leaf ${leaf.n} was leaf ${from}` })
      else this.#find({ kind: 'changed', n: leaf.n, record, problem: `leaf ${leaf.n} is not what was hashed` })
    }
  }

  #judgeGone(): { readonly retired: number; readonly erased: number } {
    let [retired, erased] = [this.#judgePruned(), 0]
    const [unsigned] = this.#unsigned
    const unexcused = unsigned === undefined ? '' : `; the record ${unsigned}, which would excuse some, is not signed`
    for (const { n, id, mark } of this.#gone) {
      const erasedAt = mark === '' ? -1 : (this.#erased.get(mark) ?? -1)
      // Who came back is in the log behind it.
      const hasOldRows = this.#marksWithRows.has(mark) && (this.#lastLeaf.get(mark) ?? -1) < erasedAt
      if (n < erasedAt && !hasOldRows) erased++
      else if (mark !== '' && id < this.#retiredBefore) retired++
      else {
        const why = n < erasedAt ? '; its user is said to be forgotten, and has rows' : unexcused
        this.#find({ kind: 'missing', n, record: { id }, problem: `the record ${id} is gone${why}` })
      }
    }
    return { retired, erased }
  }

  #judgePruned(): number {
    let count = 0
    for (const { first, level } of this.#pruned) {
      const behind = first + 2 ** level
      if (behind <= this.#prune.size) count += behind - first
      else this.#find({ kind: 'missing', n: first, problem: `leaves ${first} to ${behind - 1} are gone` })
    }
    const { size, systemLeaves } = this.#prune
    if (size > 0 && leafNumbersDigest(this.#systemLeaves.filter((n) => n < size)) !== systemLeaves)
      this.#find({ kind: 'missing', n: 0, problem: `leaves of what the troupe did are gone among 0 to ${size - 1}` })
    return count
  }

  /** From here on no root can fit. */
  #break(finding: AuditFinding): void {
    this.#broken = true
    this.#find(finding)
  }
  #find(finding: AuditFinding): void {
    this.#findings.push(finding)
  }
}
