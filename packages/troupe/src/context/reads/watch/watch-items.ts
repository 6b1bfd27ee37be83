/**
 * The items of a watch between the read of their page and their delivery, which may be much later. The value of an item is
 * loaded at its delivery, so that a page of large values does not fill the memory. If the reader has waited since the read,
 * what it may read now is decided by another read.
 */
import type { Json } from '../../../core/index.ts'
import type { WatchItem } from '../../context-client.ts'
import { type ContextReader, mayRead } from '../../entries/audience.ts'
import type { EntryRow } from '../../entries/entry-row.ts'
import type { MeshCore } from '../../mesh-core.ts'
import { readerValues } from '../../statements/visibility.ts'
import { noteLiveRow } from '../note-live-read.ts'
import { type CurrentRow, readWrites } from '../write-version.ts'
import { positionText, type WatchPosition } from './watch-position.ts'
import { maxPageValue } from './watch-reads.ts'

/** The entry that one change adds to the view of a reader, or removes from it. */
export type WatchEffect =
  | { readonly type: 'put'; readonly row: EntryRow }
  | { readonly type: 'removed' | 'expired' | 'left'; readonly key: string; readonly version: number }

export interface PositionedEffect {
  readonly at: WatchPosition
  readonly effect: WatchEffect
  /** True if the effect was decided without the current entry of its key. */
  readonly isUnchecked?: boolean
}

/**
 * Returns whether a reader may get the value of a version now.
 * @param current the current entry of the same key; undefined if there is none
 */
export const mayGet = (
  version: EntryRow,
  current: CurrentRow | undefined,
  reader: ContextReader,
  subscribed: ReadonlySet<string>,
): boolean =>
  mayRead(version, reader, subscribed) && (!current || (current.isLive && mayRead(current, reader, subscribed)))

/**
 * Returns an item for delivery, at once if its value is in its row. Each watcher gets a separate value, which its code may
 * change.
 * @param isStale true if the reader has waited since the page was read
 * @returns undefined if the reader may not get the value now, `unknown` if the version is not stored any more
 */
export function watchItemOf(
  core: MeshCore,
  reader: ContextReader,
  { at, effect, isUnchecked = false }: PositionedEffect,
  isStale: boolean,
): WatchItem | Promise<WatchItem | 'unknown' | undefined> {
  if (effect.type !== 'put') return { ...effect, ...positionFields(at) }
  return isStale || isUnchecked ? checkedPut(core, reader, effect.row, at) : completePut(core, reader, effect.row, at)
}

async function checkedPut(
  core: MeshCore,
  reader: ContextReader,
  row: EntryRow,
  at: WatchPosition,
): Promise<WatchItem | 'unknown' | undefined> {
  const [[seen] = []] = await core.read(reader.user, core.reads.change({ ...readerValues(reader), key: row.key }))
  const answer = seen?.change === row.change ? 'readable' : await checkEarlier(core, reader, row)
  return answer === 'readable' ? completePut(core, reader, row, at) : answer
}

/** Checks a version that is not the current entry, or whose entry the reader does not see. */
async function checkEarlier(
  core: MeshCore,
  reader: ContextReader,
  row: EntryRow,
): Promise<'readable' | 'unknown' | undefined> {
  const [{ entries, history }, topics] = await Promise.all([
    readWrites(core, reader.user, [{ key: row.key, data: row.change }], 0),
    reader.all ? [] : core.subscriptions(reader),
  ])
  if (![...entries, ...history].some(({ change }) => change === row.change)) return 'unknown'
  return mayGet(row, entries[0], reader, new Set(topics)) ? 'readable' : undefined
}

/** Reads a value that was too large to be read with its page. */
function completePut(
  core: MeshCore,
  reader: ContextReader,
  row: EntryRow,
  at: WatchPosition,
): WatchItem | Promise<WatchItem | 'unknown'> {
  if (row.stored <= maxPageValue) return putOf(core, reader, row, at)
  const { key, change } = row
  const asked = readWrites(core, reader.user, [{ key, data: change }], Number.MAX_SAFE_INTEGER)
  return asked.then(({ entries, history }) => {
    const found = [...entries, ...history].find((version) => version.change === change)
    return found ? putOf(core, reader, found, at) : 'unknown'
  })
}

function putOf(
  core: MeshCore,
  reader: ContextReader,
  row: EntryRow,
  at: WatchPosition,
): WatchItem | Promise<WatchItem> {
  const { key, version, value } = row
  noteLiveRow(core, row)
  const put = (loaded: Json): WatchItem => ({ type: 'put', key, value: loaded, version, ...positionFields(at) })
  const loaded = core.loadValue(reader.user, value)
  return loaded instanceof Promise ? loaded.then(put) : put(loaded)
}

const positionFields = (at: WatchPosition) => ({ revision: at.revision, position: positionText(at) })
