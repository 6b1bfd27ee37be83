/** The shared context of a run at one of its events, as far as its steps had read and written it. */
import type { AnswerOf } from 'troupe/client'

export interface StepOfAgent {
  readonly agent: string
  readonly step: string
}

export interface PastEntry {
  readonly key: string
  /** `deleted` by a step of the run; `missing` if a step has read the key and found no entry. */
  readonly status: 'stored' | 'deleted' | 'missing'
  /** Absent if there is no entry, or if its value is not stored any more. */
  readonly value?: unknown
  /** Absent if there is no entry, or if its version is not stored any more. */
  readonly version?: number
  /** The step of the run that has written or deleted the entry as it is shown. */
  readonly writer?: StepOfAgent
  /** The step of the run that has read the key last. */
  readonly reader?: StepOfAgent
  /** The access with which the row changed since the event before. */
  readonly change?: 'written' | 'deleted' | 'read'
}

interface PastEntryOptions {
  /** The time of the event before, as ISO 8601 text. */
  readonly since: string
  /** Returns the time of the start of a step, as ISO 8601 text. */
  readonly startOf: (step: string) => string
}

type EntryAccess = StepOfAgent & {
  readonly key: string
  readonly kind: 'read' | 'push' | 'delete'
  readonly version?: number
  readonly value?: unknown
  readonly at: string
}
/** An entry with the highest version that is known of it, and the time and the step of the access that decided its status. */
interface Known {
  readonly entry: PastEntry
  readonly highest: number
  readonly at: string
  readonly step: string
}

/** Returns one entry for each key that steps had read or written, by key. */
export function pastEntries(context: AnswerOf<'runs.at'>['context'], options: PastEntryOptions): readonly PastEntry[] {
  // A turn records its reads before its writes, with one time for both.
  const accesses: readonly EntryAccess[] = [
    ...context.reads.map((read) => ({ ...read, kind: 'read' as const })),
    ...context.writes,
  ].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  const known = new Map<string, Known>()
  for (const access of accesses) known.set(access.key, after(known.get(access.key), access, options))
  return [...known.values()].map(({ entry }) => entry).sort((a, b) => (a.key < b.key ? -1 : 1))
}

function after(before: Known | undefined, access: EntryAccess, options: PastEntryOptions): Known {
  const { kind, agent, step, at } = access
  const known = decides(access, before, options) ? decided(before, access) : (before as Known)
  const reader = kind === 'read' ? { agent, step } : before?.entry.reader
  const isRecent = at > options.since
  const change = kind === 'push' ? 'written' : kind === 'delete' ? 'deleted' : (before?.entry.change ?? 'read')
  return { ...known, entry: { ...known.entry, ...(reader && { reader }), ...(isRecent && { change }) } }
}

/** Whether an access is newer than what is known: versions of a key only rise, and a deletion has none. */
function decides(
  { kind, version = 0, step }: EntryAccess,
  before: Known | undefined,
  options: PastEntryOptions,
): boolean {
  if (before === undefined) return true
  if (kind === 'delete') return true
  if (kind === 'push') return version === 0 || version > before.highest
  if (version > 0) return version > before.highest || (version === before.highest && isUnread(before.entry))
  // Another step may have read the key before the entry was written, and have recorded this later.
  return before.entry.status === 'stored' && (step === before.step || options.startOf(step) > before.at)
}

const isUnread = ({ status, value }: PastEntry) => status === 'stored' && value === undefined

function decided(before: Known | undefined, { key, kind, version = 0, value, agent, step, at }: EntryAccess): Known {
  const highest = Math.max(before?.highest ?? 0, version)
  const status = kind === 'delete' ? 'deleted' : kind === 'read' && version === 0 ? 'missing' : 'stored'
  // A read of the version that a step of the run has written completes the entry.
  const writer =
    kind === 'read'
      ? version > 0 && version === before?.entry.version
        ? before.entry.writer
        : undefined
      : { agent, step }
  const entry: PastEntry = {
    key,
    status,
    ...(status === 'stored' && value !== undefined && { value }),
    ...(status === 'stored' && version > 0 && { version }),
    ...(writer && { writer }),
    ...(before?.entry.change && { change: before.entry.change }),
  }
  return { entry, highest, at, step }
}
