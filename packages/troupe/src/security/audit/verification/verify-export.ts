/**
 * Verifies an exported log against its checkpoints with only the public key: the signed records are complete, unchanged and in
 * order, or the first difference is named. Records after the last checkpoint are compared only with their own leaves.
 */
import type { KeyObject } from 'node:crypto'
import { failure, invalidInput } from '../../../core/index.ts'
import type { AuditFinding } from './audit-finding.ts'
import { type AuditVerifier, auditVerifier, type Checkpoint, type RetiredKeys } from './checkpoint.ts'
import type { ExportedLine } from './export-audit.ts'
import { ExportedRecords } from './exported-records.ts'
import { ExportedTree } from './exported-tree.ts'
import { FirstFindings } from './first-findings.ts'
import { RemovalExcuses } from './removal-excuses.ts'

/** The result of `verifyAudit`. */
export interface AuditReport {
  /** True if there are no findings, and a checkpoint covers records or the log is empty. */
  readonly ok: boolean
  /** The number of leaves. */
  readonly size: number
  /** The number of leaves that a checkpoint covers and that are unchanged. */
  readonly covered: number
  /** The number of records that the retention has deleted. Their hashes exist and match. */
  readonly retired: number
  /** The number of records that an erasure has deleted. Their hashes exist and match. */
  readonly erased: number
  /** Records that have no leaf yet. */
  readonly waiting: number
  /** The number of valid checkpoints. */
  readonly checkpoints: number
  /** The time of the last valid checkpoint, in ms since 1970; absent if there is none. */
  readonly signedAt?: number
  /** The findings in the order of the log, at most 100. */
  readonly findings: readonly AuditFinding[]
}

export interface VerifyAuditParts {
  readonly lines: AsyncIterable<string> | Iterable<string>
  /** Absent if the log is not signed: its own records then excuse deleted records without a signature. */
  readonly signed?:
    | {
        readonly checkpoints: readonly Checkpoint[]
        readonly publicKeys: readonly (string | KeyObject)[]
        readonly retired?: RetiredKeys
      }
    | undefined
  /** The shortest retention that the log had: a younger record may not be deleted by retention. 1 h by default. */
  readonly retentionMs?: number | undefined
  /** The marks of users with rows in other tables. An erased user has none, unless the log shows that the user returned. */
  readonly marksWithRows?: ReadonlySet<string> | undefined
  readonly signal?: AbortSignal | undefined
}

const unsigned: AuditVerifier = { isSigned: () => false, excuses: () => true }

/** @throws ValidationError for lines that are not an export, or an invalid key; CancelledError */
export async function verifyExport(parts: VerifyAuditParts): Promise<AuditReport> {
  const { signed, retentionMs = 0, marksWithRows = new Set<string>() } = parts
  const { isSigned, excuses } = signed ? auditVerifier(signed.publicKeys, signed.retired) : unsigned
  const checkpoints = signed?.checkpoints ?? []
  const findings = new FirstFindings()
  const report = (finding: AuditFinding) => findings.add(finding)
  for (const checkpoint of checkpoints)
    if (!isSigned(checkpoint)) {
      const problem = `the checkpoint of ${checkpoint.size} leaves is not signed by this key`
      report({ kind: 'checkpoint', problem })
    }
  const tree = new ExportedTree(checkpoints.filter(isSigned), report)
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
    ok: findings.isEmpty && (coverage.checkpoints > 0 || size === 0),
    size,
    ...coverage,
    ...counts,
    findings: findings.list(),
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
  const wrong = () => invalidInput(`Line ${number} of the audit log`, 'it is not of an export')
  let line: ExportedLine
  try {
    line = JSON.parse(text) as ExportedLine
  } catch {
    throw wrong()
  }
  if (typeof line !== 'object' || line === null) throw wrong()
  const isForm = number === 1 ? isHead : isLine
  if (!isForm(Object.keys(line))) throw wrong()
  return line
}

/** A line has the fields of its kind alone: another field would be in no hash. */
const hasFields =
  (needed: readonly string[], others: readonly string[] = []) =>
  (fields: readonly string[]): boolean =>
    needed.every((field) => fields.includes(field)) &&
    fields.every((field) => needed.includes(field) || others.includes(field))
const isHead = hasFields(['troupe', 'version', 'size'])
const kinds = [
  hasFields(['n', 'id', 'mark', 'digest', 'hash', 'nodes'], ['record']),
  hasFields(['first', 'level', 'hash']),
  hasFields(['record', 'waits']),
]
const isLine = (fields: readonly string[]) => kinds.some((isKind) => isKind(fields))
