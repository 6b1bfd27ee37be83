/** Verifies an audit log where no troupe runs: from an export, or from the database itself. */
import type { KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { checkOptions, failure, systemClock, systemRandom } from '../core/index.ts'
import { type AuditReport, type Checkpoint, exportAudit, readCheckpoint, verifyExport } from '../security/index.ts'
import { openStorage, type PostgresOptions } from '../storage/index.ts'
import { migrations } from './tables.ts'

export interface VerifyAuditOptions {
  /** A database that no process has open, or a PostgreSQL one. */
  readonly storage?: string | PostgresOptions
  /** What `troupe.audit.export()` gave: a path to its lines, or the lines. */
  readonly export?: string | AsyncIterable<string> | Iterable<string>
  /** A path to lines of them, or they themselves. */
  readonly checkpoints: string | readonly Checkpoint[]
  /** Ed25519, as PEM of SPKI or a KeyObject; several where the key was changed. */
  readonly publicKey: string | KeyObject | readonly (string | KeyObject)[]
}

/**
 * Says what of a log is as it was signed, and where it begins to differ.
 * @throws ValidationError for options, lines or keys that are none; what opening the storage throws
 * @example
 * const { ok, findings } = await verifyAudit({ export: 'audit.jsonl', checkpoints: 'checkpoints.jsonl', publicKey })
 */
export async function verifyAudit(options: VerifyAuditOptions): Promise<AuditReport> {
  checkOptions('verifyAudit', options, ['storage', 'export', 'checkpoints', 'publicKey'])
  const { storage, export: lines, publicKey } = options
  if ((storage === undefined) === (lines === undefined))
    throw failure('validation.failed', { what: 'verifyAudit', problem: 'it has one of storage and export' })
  const publicKeys = Array.isArray(publicKey) ? publicKey : [publicKey as string | KeyObject]
  const checkpoints = await checkpointsOf(options.checkpoints)
  if (lines !== undefined)
    return verifyExport({ lines: typeof lines === 'string' ? linesOf(lines) : lines, checkpoints, publicKeys })
  const opened = await openStorage({
    ...(typeof storage === 'string' ? { url: storage } : { url: 'postgres:', postgres: storage as PostgresOptions }),
    migrations,
    clock: systemClock,
    random: systemRandom,
  })
  try {
    return await verifyExport({ lines: exportAudit(opened), checkpoints, publicKeys })
  } finally {
    await opened.close()
  }
}

const linesOf = (path: string): AsyncIterable<string> =>
  createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })

async function checkpointsOf(given: string | readonly Checkpoint[]): Promise<readonly Checkpoint[]> {
  if (typeof given !== 'string') return given.map((one, i) => readCheckpoint(one, `checkpoint ${i + 1}`))
  const lines = (await readFile(given, 'utf8')).split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, i) => readCheckpoint(parsed(line), `Line ${i + 1} of ${given}`))
}

/** What a crash left half-written is no checkpoint, and said to be none. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
