/**
 * Verifies an exported log against its checkpoints, with nothing but the public key: whether what was signed is still
 * there, unchanged and in its order, and if not, where it begins to differ. What came after the last checkpoint is compared
 * with itself alone.
 */
import type { KeyObject } from 'node:crypto'
import { failure } from '../../../core/index.ts'
import type { AuditFinding } from './audit-finding.ts'
import { auditVerifier, type Checkpoint } from './checkpoint.ts'
import type { ExportedLine } from './export-audit.ts'
import { ExportedRecords } from './exported-records.ts'
import { ExportedTree } from './exported-tree.ts'
import { RemovalExcuses } from './removal-excuses.ts'

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
  const { publicKeys, retentionMs = 0, marksWithRows = new Set<string>() } = parts
  const { isSigned, excuses } = auditVerifier(publicKeys)
  const findings: AuditFinding[] = []
  const report = (finding: AuditFinding) => void findings.push(finding)
  for (const checkpoint of parts.checkpoints)
    if (!isSigned(checkpoint)) {
      const problem = `the checkpoint of ${checkpoint.size} leaves is not signed by this key`
      report({ kind: 'checkpoint', problem })
    }
  const tree = new ExportedTree(parts.checkpoints.filter(isSigned), report)
  const records = new ExportedRecords(new RemovalExcuses(excuses, retentionMs), marksWithRows, report)
  let claimed = 0
  for await (const line of linesOf(parts)) {
    if ('troupe' in line) claimed = line.size
    else if ('n' in line) {
      if (tree.append(line)) records.add(line)
    } else if ('first' in line) {
      if (tree.appendSubtree(line)) records.addPruned(line)
    } else records.addStray(line)
  }
  tree.end(claimed)
  const counts = records.end()
  const { size, coverage } = tree
  return {
    ok: findings.length === 0 && (coverage.checkpoints > 0 || size === 0),
    size,
    ...coverage,
    ...counts,
    findings: findings.toSorted((a, b) => (a.n ?? Infinity) - (b.n ?? Infinity)).slice(0, maxFindings),
  }
}

async function* linesOf({ lines, signal }: VerifyAuditParts): AsyncIterable<ExportedLine> {
  let number = 0
  for await (const text of lines) {
    if (signal?.aborted) throw failure('cancelled', { what: 'verifyAudit' }, { cause: signal.reason })
    number++
    if (text.trim() !== '') yield lineOf(text, number)
  }
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
