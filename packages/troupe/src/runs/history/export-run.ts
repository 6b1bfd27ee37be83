/** Exports a run as one redacted file with a digest, which any installation of Troupe can open. */

import { createHmac } from 'node:crypto'
import { canonicalJson, checkOptionNames, hashText, invalidInput, type Json } from '../../core/index.ts'
import type { RunRow } from '../engine/store/run-store.ts'
import { runAccountOf } from '../machine/run/run-account.ts'
import { hasEnded } from '../machine/state.ts'
import { viewOf } from '../machine/state-view.ts'
import type { PastRun } from './past-run.ts'
import { mapped, type Redaction, redact } from './redact-run.ts'

/** A run as one file, which `openExport` opens in any process. */
export interface ExportedRun {
  /** The version of the file format. */
  readonly version: 1
  /** The release that wrote the file. */
  readonly build: string
  /** The id of the run. */
  readonly run: string
  /** The status of the run at the export. */
  readonly status: string
  /** Why the run waited; absent otherwise. */
  readonly reason?: string
  /** The tags of the run. */
  readonly tags: readonly string[]
  /** What was removed from the file. */
  readonly redacted: Redaction
  /** The result of the run; present if it had ended or waited. */
  readonly result?: Json
  /** The records of the journal: `{ input, events, first }`, with `first` the `seq` of the first event. */
  readonly journal: readonly Json[]
  /** SHA-256 of all other fields as canonical JSON; with `key`, an HMAC, which only holders of the key can compute. */
  readonly digest: string
}

/** The options of `orchestra.export`. */
export interface ExportOptions {
  /**
   * What is removed: `secrets` for texts that look like credentials, `content` for all texts, `nothing`; `secrets` by
   * default.
   */
  readonly redact?: Redaction
  /** Signs the file: only holders of the key can create or change a file that opens with the key. */
  readonly key?: string
}

const redactions: readonly Redaction[] = ['secrets', 'content', 'nothing']

/** @throws ValidationError `export.unredactable` if a decision of the run depends on a value that the redaction removes */
export function exportRun(
  past: PastRun,
  row: RunRow,
  options: ExportOptions & { readonly build: string; readonly known: (text: string) => string },
): ExportedRun {
  const { build, known, redact: how = 'secrets', key, ...rest } = options
  checkOptionNames('orchestra.export', rest, ['redact', 'key'])
  if (!redactions.includes(how)) throw invalidInput('redact', `it is not one of ${redactions.join(', ')}`)
  const { run, status, reason, tags, endedAt } = row
  const state = past.events.length > 0 ? past.stateAt(past.events.length) : undefined
  const shown = how === 'nothing' || !state ? { records: past.records, state } : redact(run, past.records, how, known)
  const stored = row.result === null || status === 'running' ? undefined : (JSON.parse(row.result) as Json)
  // A run that failed fatally has an end that its journal does not record.
  const brokeDown = endedAt !== null && shown.state !== undefined && !hasEnded(shown.state)
  const result =
    stored === undefined || how === 'nothing'
      ? stored
      : brokeDown || !shown.state
        ? mapped(stored, () => '[redacted]')
        : (JSON.parse(JSON.stringify(runAccountOf(shown.state, atOf(stored, viewOf(shown.state).startedAt)))) as Json)
  const file = {
    version: 1 as const,
    build,
    run,
    status,
    ...(reason === null ? {} : { reason }),
    tags,
    redacted: how,
    ...(result === undefined ? {} : { result }),
    journal: shown.records.map((record) => JSON.parse(JSON.stringify(record)) as Json),
  }
  return { ...file, digest: exportDigest(file, key) }
}

/** Returns the time at which a stored result was computed. */
const atOf = (stored: Json, startedAt: number) => startedAt + (stored as { readonly durationMs: number }).durationMs

export function exportDigest(file: Omit<ExportedRun, 'digest'>, key: string | undefined): string {
  const text = canonicalJson(file)
  return key === undefined ? hashText(text) : createHmac('sha256', key).update(text).digest('hex')
}
