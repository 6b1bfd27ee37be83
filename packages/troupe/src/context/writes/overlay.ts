/**
 * The staged writes of a step. The step reads them; others see them when the turn commits. The stage of a tool call extends
 * that of the step, and does not see writes of parallel calls.
 */
import { compareKeys, type UserId } from '../../core/index.ts'
import type { EntryRow } from '../entries/entry-row.ts'
import type { MeshCore } from '../mesh-core.ts'
import type { ListQuery } from '../reads/listing.ts'
import { matchKeys } from '../reads/match-keys.ts'

/** An entry as it will be after the commit. Its revision is not known before the commit. */
export type StagedEntry = Omit<EntryRow, 'revision' | 'stored' | 'value'> & { readonly json: string }

export type OverlayEntry =
  | { readonly entry: StagedEntry; readonly visible: boolean }
  /** A removed entry with its last version. A later push gets the next number. */
  | { readonly removed: number }

export class Overlay {
  readonly #parent: Overlay | undefined
  readonly #writes = new Map<string, { readonly staged: OverlayEntry; readonly write: object }>()
  readonly #stagings = new Map<string, number>()

  constructor(parent?: Overlay) {
    this.#parent = parent
  }

  /** The number of writes staged for this key, committed ones included. It is the same in a replay. */
  stagings(key: string): number {
    return (this.#stagings.get(key) ?? 0) + (this.#parent?.stagings(key) ?? 0)
  }
  stages(key: string): void {
    this.#stagings.set(key, (this.#stagings.get(key) ?? 0) + 1)
  }

  get(key: string): OverlayEntry | undefined {
    return this.#writes.get(key)?.staged ?? this.#parent?.get(key)
  }
  /** @param write the object that the recorder returns when it is committed */
  set(key: string, staged: OverlayEntry, write: object): void {
    this.#writes.set(key, { staged, write })
  }
  /** Removes committed writes, which are then read from the mesh. Later staged writes are retained. */
  dropCommitted(committed: readonly object[]): void {
    if (this.#writes.size === 0) return
    const writes = new Set(committed)
    for (const [key, { write }] of this.#writes) if (writes.has(write)) this.#writes.delete(key)
  }
  keys(): ReadonlySet<string> {
    return new Set([...(this.#parent?.keys() ?? []), ...this.#writes.keys()])
  }

  /**
   * Merges a page of committed entries with the staged writes between its bounds.
   * @param page in the order of keys
   * @param within whether a staged key belongs to the page: its range and filters
   */
  merge<T>(
    page: readonly { readonly key: string; readonly item: T }[],
    within: (key: string, staged: StagedEntry) => boolean,
    convert: (entry: StagedEntry) => T,
  ): readonly { readonly key: string; readonly item: T }[] {
    const merged = new Map(page.map((row) => [row.key, row]))
    for (const key of this.keys()) {
      const staged = this.get(key) as OverlayEntry
      const entry = 'entry' in staged && staged.visible ? staged.entry : undefined
      merged.delete(key)
      if (entry && within(key, entry)) merged.set(key, { key, item: convert(entry) })
    }
    return [...merged.values()].sort((a, b) => compareKeys(a.key, b.key))
  }
}

interface StagedReads {
  readonly core: Pick<MeshCore, 'clock' | 'patterns'>
  readonly user: UserId
  readonly overlay: Overlay
}

/** Merges a page of a list with the staged writes that are in its range and pass its filters. */
export async function mergePage<T>(
  { core, user, overlay }: StagedReads,
  query: ListQuery,
  {
    rows,
    next,
  }: { readonly rows: readonly { readonly key: string; readonly item: T }[]; readonly next: string | undefined },
  convert: (entry: StagedEntry) => T,
): Promise<{ readonly items: readonly T[]; readonly next: string | undefined }> {
  const { pattern } = query
  const known = new Set<string>()
  const matched = new Set<string>()
  // Parallel calls of the step may stage further keys while the thread matches the first ones.
  for (let keys = [...overlay.keys()]; pattern && keys.length > 0; ) {
    for (const key of keys) known.add(key)
    for (const key of await matchKeys(core, core.patterns?.sourceFor(user), pattern, keys)) matched.add(key)
    keys = [...overlay.keys()].filter((key) => !known.has(key))
  }
  const beyond = (key: string) =>
    next === undefined ? query.to !== undefined && compareKeys(key, query.to) >= 0 : compareKeys(key, next) > 0
  const within = (key: string, entry: StagedEntry) =>
    compareKeys(key, query.from) >= 0 &&
    !beyond(key) &&
    (!pattern || matched.has(key)) &&
    (query.topics === undefined || query.topics.some((topic) => entry.grantees.includes(topic)))
  const merged = overlay.merge(rows, within, convert)
  const shown = merged.slice(0, query.limit)
  return { items: shown.map(({ item }) => item), next: merged.length > query.limit ? shown.at(-1)?.key : next }
}
