/** A run as one file: redacted, with a digest over all of it, to be opened wherever Troupe is. */

import { createHmac } from 'node:crypto'
import { canonicalJson, checkOptions, failure, hashText, type Json } from '../../core/index.ts'
import type { RunRow } from '../engine/store/run-store.ts'
import { runAccountOf } from '../machine/run/run-account.ts'
import { hasEnded } from '../machine/state.ts'
import { viewOf } from '../machine/state-view.ts'
import type { PastRun } from './past-run.ts'
import { mapped, type Redaction, redact } from './redact-run.ts'

export interface ExportedRun {
  /** Of the form of the file. */
  readonly version: 1
  /** The release that wrote it. */
  readonly build: string
  readonly run: string
  readonly status: string
  readonly reason?: string
  readonly tags: readonly string[]
  readonly redacted: Redaction
  /** Once it is over, or waits. */
  readonly result?: Json
  /** `{ input, events, first }` each. */
  readonly journal: readonly Json[]
  /** SHA-256 of all else as canonical JSON; with a key an HMAC, which nobody without the key can make. */
  readonly digest: string
}

export interface ExportOptions {
  /** `secrets` by default. */
  readonly redact?: Redaction
  /** Signs the file: only who has the key can make or change one that opens with it. */
  readonly key?: string
}

const redactions: readonly Redaction[] = ['secrets', 'content', 'nothing']

/** @throws ValidationError `export.unredactable` where the run's way depends on what would be taken out */
export function exportRun(
  past: PastRun,
  row: RunRow,
  options: ExportOptions & { readonly build: string; readonly known: (text: string) => string },
): ExportedRun {
  const { build, known, redact: how = 'secrets', key, ...rest } = options
  checkOptions('orchestra.export', rest, ['redact', 'key'])
  if (!redactions.includes(how))
    throw failure('validation.failed', { what: 'redact', problem: `it is not one of ${redactions.join(', ')}` })
  const { run, status, reason, tags, endedAt } = row
  const state = past.events.length > 0 ? past.stateAt(past.events.length) : undefined
  const shown = how === 'nothing' || !state ? { records: past.records, state } : redact(run, past.records, how, known)
  const stored = row.result === null || status === 'running' ? undefined : (JSON.parse(row.result) as Json)
  // A run that broke down has an end that its journal does not know of.
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

/** The moment for which a stored result was made. */
const atOf = (stored: Json, startedAt: number) => startedAt + (stored as { readonly durationMs: number }).durationMs

export function exportDigest(file: Omit<ExportedRun, 'digest'>, key: string | undefined): string {
  const text = canonicalJson(file)
  return key === undefined ? hashText(text) : createHmac('sha256', key).update(text).digest('hex')
}
