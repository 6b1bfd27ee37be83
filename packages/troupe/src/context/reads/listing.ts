/**
 * Lists keys and entries in the order of UTF-8 bytes. The engine merges one stream of keys per grantee of the reader, so that a
 * list reads only visible keys. A filter that the index cannot serve examines a bounded number of visible keys per page.
 */
import {
  checkName,
  checkOptions,
  compareKeys,
  decodeCursor,
  invalidInput,
  listOf,
  TimeSlice,
} from '../../core/index.ts'
import type { Row } from '../../storage/index.ts'
import type { ListOptions } from '../context-client.ts'
import { agentGrantee, type ContextReader, everyone, topicGrantee } from '../entries/audience.ts'
import { type EntryRow, entryRow } from '../entries/entry-row.ts'
import { afterKey, afterPrefix, compilePattern, type Pattern } from '../entries/pattern.ts'
import type { MeshCore } from '../mesh-core.ts'
import { now, readerValues } from '../statements/visibility.ts'
import { matchKeys } from './match-keys.ts'

export interface ListQuery {
  readonly limit: number
  readonly from: string
  readonly to: string | undefined
  /** The additional condition on the keys of the range; undefined for a plain pattern, which is the range. */
  readonly pattern: Pattern | undefined
  /** The maximal part of the scan budget that one key uses. */
  readonly weight: number
  readonly topics: readonly string[] | undefined
}

/** @returns the limit of a page, 100 by default */
export function checkLimit(limit: unknown): number {
  if (limit === undefined) return 100
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw invalidInput('limit', 'it must be a whole number from 1 to 1,000')
  return limit
}

/** Checks the options of a page before its call is recorded. @throws ValidationError */
export function checkPage({ limit, cursor }: { readonly limit?: number; readonly cursor?: string }): void {
  checkLimit(limit)
  if (cursor !== undefined) decodeCursor(cursor)
}

/** The maximal number of topics of a list: as many as subscriptions of one agent. */
const maxTopics = 256

const later = (a: string, b: string) => (compareKeys(a, b) < 0 ? b : a)

/** Returns the name of a list in the audit log. */
export const listedOf = ({ prefix, pattern }: ListOptions): string => pattern ?? `${prefix ?? ''}*`

/** @throws ValidationError */
export function parseListOptions(where: string, options: ListOptions): ListQuery {
  checkOptions(where, options, ['prefix', 'pattern', 'topics', 'limit', 'cursor', 'signal'])
  const { prefix = '', cursor } = options
  if (typeof prefix !== 'string' || !prefix.isWellFormed() || prefix.includes('\0'))
    throw invalidInput('prefix', 'it must be well-formed text without NUL')
  const pattern = options.pattern === undefined ? undefined : compilePattern(options.pattern)
  const head = pattern?.head ?? ''
  const begin = later(prefix, head)
  const ends = [afterPrefix(prefix), afterPrefix(head), pattern?.plain === 'exact' ? afterKey(head) : undefined]
  const to = ends.filter((end) => end !== undefined).sort(compareKeys)[0]
  const topics =
    options.topics === undefined
      ? undefined
      : // A stream that is merged twice would be counted twice.
        [...new Set(listOf('topics', options.topics).map((topic) => topicGrantee(checkName('topic', topic))))]
  if (topics && topics.length > maxTopics) throw invalidInput('topics', `it names at most ${maxTopics}`)
  return {
    limit: checkLimit(options.limit),
    from: cursor === undefined ? begin : later(begin, afterKey(decodeCursor(cursor))),
    to,
    pattern: pattern?.plain ? undefined : pattern,
    weight: 1 + ((options.pattern?.length ?? 0) >> 4),
    topics,
  }
}

interface Found<T> {
  readonly items: readonly T[]
  /** The last examined key; undefined if there are no more keys. */
  readonly next: string | undefined
}

/** Runs a read that depends on the reader's subscriptions in the snapshot in which these were seen. */
async function withStreams(
  core: MeshCore,
  reader: ContextReader,
  known: readonly string[] | undefined,
  query: Pick<ListQuery, 'from' | 'to' | 'topics'> & { readonly limit: number },
  what: 'entries' | 'keys',
): Promise<{ readonly rows: readonly Row[]; readonly subscribed: readonly string[]; readonly filtered: boolean }> {
  const scope = { user: reader.user, now }
  let subscribed = known ?? (reader.all ? [] : await core.subscriptions(reader))
  let rows: Row[] = []
  for (let { from } = query; ; ) {
    const { grantees, filtered } = streamsOf(reader, subscribed, query.topics)
    const list = core.reads.list(scope, grantees, { ...query, from }, what)
    const [found = [], current = []] = reader.all
      ? await core.read(reader.user, list)
      : await core.read(reader.user, list, core.reads.subscriptions(reader))
    const seen = current.map(({ grantee }) => String(grantee))
    if (!reader.all && (seen.length !== subscribed.length || seen.some((grantee, i) => grantee !== subscribed[i]))) {
      subscribed = seen
      rows = []
      from = query.from
      continue
    }
    rows.push(...found.filter(({ live }) => live !== 0))
    const last = found.at(-1)
    if (rows.length >= query.limit || found.length < query.limit || !last)
      return { rows: rows.slice(0, query.limit), subscribed, filtered }
    // Some of the examined entries have expired.
    from = afterKey(String(last.key))
  }
}

/** A topic to which the reader is subscribed is a separate stream. Other topics are filtered from all visible entries. */
function streamsOf(
  reader: ContextReader,
  subscribed: readonly string[],
  topics: readonly string[] | undefined,
): { readonly grantees: readonly string[] | 'all'; readonly filtered: boolean } {
  if (topics && (reader.all || topics.every((topic) => subscribed.includes(topic))))
    return { grantees: topics, filtered: false }
  const filtered = topics !== undefined
  return reader.all
    ? { grantees: 'all', filtered }
    : { grantees: [everyone, agentGrantee(reader.agent), ...subscribed], filtered }
}

const chunk = 500

/** Keys that pass the filters, within the scan budget. */
async function scan(core: MeshCore, reader: ContextReader, query: ListQuery): Promise<Found<string>> {
  const items: string[] = []
  let { from } = query
  let subscribed: readonly string[] | undefined
  const source = core.patterns?.sourceFor(reader.user)
  const slice = new TimeSlice(core.clock)
  for (let budget = core.limits.scan; ; ) {
    const found = await withStreams(core, reader, subscribed, { ...query, from, limit: chunk }, 'keys')
    subscribed = found.subscribed
    const examined = found.rows.slice(0, Math.max(1, Math.ceil(budget / query.weight)))
    const keys = examined.map(({ key }) => String(key))
    const matched = query.pattern && (await matchKeys(core, source, query.pattern, keys))
    for (const row of examined) {
      if (slice.isOver) await slice.renew()
      const key = String(row.key)
      budget -= query.weight
      const audience = found.filtered ? (JSON.parse(String(row.audience)) as string[]) : []
      const passes =
        (matched?.has(key) ?? true) && (!found.filtered || query.topics?.some((topic) => audience.includes(topic)))
      if (passes) {
        if (items.length === query.limit) return { items, next: items.at(-1) }
        items.push(key)
      }
      from = afterKey(key)
      if (budget <= 0) return { items, next: key }
    }
    if (found.rows.length < chunk) return { items, next: undefined }
  }
}

async function direct<T>(
  core: MeshCore,
  reader: ContextReader,
  query: ListQuery,
  what: 'entries' | 'keys',
  convert: (row: Row) => T,
): Promise<Found<T> | undefined> {
  const { rows, filtered } = await withStreams(core, reader, undefined, { ...query, limit: query.limit + 1 }, what)
  // The reader was unsubscribed from one of the topics meanwhile, so these rows are not filtered by topic.
  if (filtered) return undefined
  const shown = rows.slice(0, query.limit)
  return { items: shown.map(convert), next: rows.length > query.limit ? String(shown.at(-1)?.key) : undefined }
}

const nothing = { items: [], next: undefined }

export async function findKeys(core: MeshCore, reader: ContextReader, query: ListQuery): Promise<Found<string>> {
  if (query.topics?.length === 0) return nothing
  const found = query.pattern ? undefined : await direct(core, reader, query, 'keys', (row) => String(row.key))
  return found ?? scan(core, reader, query)
}

export async function findEntries(core: MeshCore, reader: ContextReader, query: ListQuery): Promise<Found<EntryRow>> {
  if (query.topics?.length === 0) return nothing
  const found = query.pattern ? undefined : await direct(core, reader, query, 'entries', entryRow)
  if (found) return found
  const { items, next } = await scan(core, reader, query)
  const rows = await readEntries(core, reader, items)
  return { items: items.flatMap((key) => rows.get(key) ?? []), next }
}

/** Returns the visible entries of these keys. */
export async function readEntries(
  core: MeshCore,
  reader: ContextReader,
  keys: readonly string[],
): Promise<Map<string, EntryRow>> {
  const found = new Map<string, EntryRow>()
  for (let i = 0; i < keys.length; i += chunk) {
    const values = { ...readerValues(reader), keys: JSON.stringify(keys.slice(i, i + chunk)) }
    const [rows = []] = await core.read(reader.user, core.reads.entries(values))
    for (const row of rows) found.set(String(row.key), entryRow(row))
  }
  return found
}
