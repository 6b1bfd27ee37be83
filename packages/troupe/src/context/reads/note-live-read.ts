/** Adds the labels of an entry that is read by a handle outside `ctx` to the step whose code is running, if any. */
import { addStepTaint, isInStep, type Provenance, type TaintLabel, taintOfPrivate } from '../../core/index.ts'
import type { HistoryEntry } from '../context-client.ts'
import { audienceOf } from '../entries/audience.ts'
import { type EntryRow, taintIn } from '../entries/entry-row.ts'

type ReadEntry = Pick<HistoryEntry, 'version' | 'audience' | 'taint' | 'provenance'>
interface Labelling {
  /** The labels of private entries. */
  readonly privateLabels?: readonly TaintLabel[]
}

/**
 * Returns the labels that a reader of the entry gets. An entry is private if it is not for everyone, by its present
 * audience. An entry for everyone is private if it has no label and no step wrote it: steps label what they write with
 * what they have read, but other writers say nothing about the content.
 */
export function labelsOfRead(entry: ReadEntry, { privateLabels = [] }: Labelling): readonly TaintLabel[] {
  const isLabelled = entry.taint.length > 0 || entry.provenance.stepId !== undefined
  return entry.audience === 'everyone' && isLabelled ? entry.taint : taintOfPrivate(entry, privateLabels)
}

export function noteLiveRead(core: Labelling, key: string, entry: ReadEntry): void {
  if (isInStep()) addStepTaint(labelsOfRead(entry, core), `${key}@${entry.version}`)
}

export function noteLiveRow(core: Labelling, row: EntryRow): void {
  if (!isInStep()) return
  const provenance = JSON.parse(row.provenance) as Provenance
  const { key, version, grantees } = row
  noteLiveRead(core, key, { version, audience: audienceOf(grantees), taint: taintIn(row), provenance })
}
