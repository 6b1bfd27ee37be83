/** The statements of a push or a delete. The call is checked when it is prepared, and decided when it commits. */
import {
  type Clock,
  captureWithin,
  checkEntryKey,
  checkOptionNames,
  checkOptions,
  checkTaint,
  encodeInTime,
  encodeJson,
  failure,
  invalidInput,
  isLongValue,
  type Json,
  joinTaint,
  maxValueBytes,
  nextMacrotask,
  type Provenance,
  parse,
  type TaintLabel,
} from '../../core/index.ts'
import type { Access, Right } from '../../security/index.ts'
import type { Fragment, Statement } from '../../storage/index.ts'
import type { DeleteOptions, PushOptions } from '../context-client.ts'
import type { MeshCore } from '../mesh-core.ts'
import { now, readerValues } from '../statements/visibility.ts'
import { type ContextReader, everyone, granteesOf, isTopic, storedWriters } from './audience.ts'
import { type Key, type KeyValue, keyText } from './define-key.ts'
import { storeValue } from './entry-row.ts'
import type { Lifetime } from './lifecycle.ts'

/** A reader with its rights. The application has all rights. */
export interface Actor extends ContextReader {
  readonly access: Access | undefined
}
export const power = (actor: Actor, right: 'delete_others' | 'write_others' | 'change_audience') =>
  actor.access === undefined || actor.access.can(right)

export interface Push {
  readonly key: string
  readonly change: string
  readonly json: string
  readonly grantees: readonly string[] | undefined
  readonly writers: readonly string[] | undefined
  readonly lifetime: Lifetime | undefined
  readonly metadata: string | undefined
  readonly ifVersion: number | undefined
  /** True for the pushes that also remove old versions of the key. */
  readonly prunes: boolean
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
}

export const pushOptions = [
  'audience',
  'subscribers',
  'topics',
  'writers',
  'ttl',
  'lifecycle',
  'ifVersion',
  'metadata',
  'taint',
  'signal',
] as const
const updateOptions = pushOptions.filter((option) => option !== 'ifVersion')

/** Checks the options of an update before its function is called. @throws ValidationError */
export function checkUpdate(fn: unknown, options: object): void {
  if (Object.hasOwn(options ?? {}, 'ifVersion'))
    throw failure('option.unknown', { where: 'update', option: 'ifVersion', nearest: 'push' })
  checkOptionNames('update', options, updateOptions)
  if (typeof fn !== 'function') throw invalidInput('The argument of update', 'it must be a function of the value')
}

export const checkedKey = (key: Key | string): string => checkEntryKey(keyText(key))

/**
 * Returns the value at the call, converted by the schema of its key if it has one.
 * @throws ValidationError `validation.failed`; `value.too_large` above 8 MiB
 */
export const parsedValue = async <K extends Key | string>(
  key: K,
  value: KeyValue<K>,
  clock: Clock,
): Promise<KeyValue<K>> => {
  const what = `The value of ${checkedKey(key)}`
  const captured = captureWithin(value, what)
  if (isLongValue(captured)) await nextMacrotask(clock)
  return typeof key === 'object' ? (parse(key.schema, captured, what) as Promise<KeyValue<K>>) : captured
}

export function checkVersion(version: unknown, least: number): number | undefined {
  if (version === undefined) return undefined
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < least)
    throw invalidInput('ifVersion', `it must be a whole number from ${least}`)
  return version
}

/**
 * @param onLong called synchronously for a long value whose key has no schema; its text is created later
 * @throws ValidationError for a value or an option that cannot be stored
 */
export async function preparePush(
  core: MeshCore,
  key: Key | string,
  value: unknown,
  options: PushOptions,
  origin: { readonly provenance: Provenance; readonly taint: readonly TaintLabel[] },
  onLong?: () => void,
): Promise<Push> {
  checkOptions('push', options, pushOptions)
  const text = checkedKey(key)
  // The arguments are read synchronously, because the caller may change them afterwards.
  const push = {
    key: text,
    change: core.nextChange(),
    grantees: granteesOf(options, core.limits.topics),
    writers: storedWriters(options.writers),
    lifetime: core.lifecycles.named(options),
    metadata: options.metadata === undefined ? undefined : metadataText(options.metadata),
    ifVersion: checkVersion(options.ifVersion, 0),
    prunes: core.prunesNext(),
    provenance:
      options.taint === undefined ? origin.provenance : { ...origin.provenance, taintDeclared: true as const },
    taint: joinTaint(origin.taint, checkTaint(options.taint, 'push.taint')),
  }
  const parsed = typeof key === 'object' ? await parsedValue(key, value, core.clock) : value
  const encoded = encodeInTime(parsed, `The value of ${text}`, core.clock)
  if (typeof encoded !== 'string' && typeof key === 'string') onLong?.()
  const json = await encoded
  const bytes = Buffer.byteLength(json)
  if (bytes > maxValueBytes)
    throw failure('value.too_large', { what: `The value of ${text}`, bytes, limit: maxValueBytes })
  return { ...push, json }
}

function metadataText(metadata: unknown): string {
  const text = encodeJson(metadata, 'metadata')
  if (!text.startsWith('{')) throw invalidInput('metadata', 'it must be an object')
  if (Buffer.byteLength(text) > 16_384)
    throw failure('value.too_large', { what: 'The metadata', bytes: Buffer.byteLength(text), limit: 16_384 })
  return text
}

/** Returns the audit statements. They come last, so that the indices of other statements do not change. */
const audited = (core: MeshCore, { user, agent }: Actor, operation: Right, entry: string): readonly Statement[] =>
  core.audit?.written(user, { actor: agent, operation, entry }) ?? []

export function readsAudited(
  { audit }: MeshCore,
  { user, agent }: ContextReader,
  operation: Right,
  entries: readonly string[],
): void {
  for (const entry of entries) audit?.read(user, { actor: agent, operation, entry })
}

const none = { rows: 0 } as const

/** Returns the guards of a push, in the order in which rejections are reported. */
function pushGuards(core: MeshCore, actor: Actor, push: Push): Statement[] {
  const { writes } = core
  const entryKey = { user: actor.user, key: push.key, now }
  const { agent } = actor
  const denied = (action: string) =>
    ({ expect: none, otherwise: 'context.denied', detail: { agent, action, key: push.key } }) as const
  const statements: Statement[] = []
  if (!power(actor, 'write_others')) {
    const guard = push.grantees ? writes.unwritableByName : writes.unwritable
    statements.push(guard({ ...entryKey, ...readerValues(actor) }, denied('write')))
  } else if (!actor.all && !push.grantees)
    statements.push(writes.closedForStored({ ...entryKey, agent }, denied('write')))
  if ((push.grantees || push.writers) && !power(actor, 'change_audience'))
    statements.push(writes.foreign({ ...entryKey, agent }, denied('change who may read or write')))
  const topics = push.grantees?.filter(isTopic) ?? []
  const closed = {
    expect: none,
    otherwise: 'topic.closed',
    detail: { agent, action: 'post to', topics: topics.map(nameOf) },
  } as const
  if (!actor.all && topics.length > 0)
    statements.push(writes.closed({ user: actor.user, agent, grantees: JSON.stringify(topics) }, closed))
  // The statement that replaces a version checks the version itself.
  if (push.ifVersion === 0) statements.push(...versionGuard(core, actor, push.key, 0))
  return statements
}
const nameOf = (grantee: string): Json => grantee.slice(1)

const conflictOf = (key: string, expected: number) =>
  ({ otherwise: 'context.conflict', detail: { key, expected } }) as const

function versionGuard(core: MeshCore, actor: Actor, key: string, version: number | undefined): Statement[] {
  if (version === undefined) return []
  const entryKey = { user: actor.user, key, now }
  const conflict = conflictOf(key, version)
  if (version === 0) return [core.writes.existing(entryKey, { expect: none, ...conflict })]
  return [core.writes.version({ ...entryKey, version }, { expect: { rows: 1 }, ...conflict })]
}

type PushFragment = Fragment & { readonly put: number }

/** @returns `put`: the index of the statement that returns the version */
export function pushFragment(core: MeshCore, actor: Actor, push: Push): PushFragment {
  const { statements, ...fragment } = unboundedPush(core, actor, push)
  return { ...fragment, statements: [...statements, ...quotaOf(core, actor)] }
}

/** A push without the check of the quota, which its change makes after all writes. */
export function unboundedPush(core: MeshCore, actor: Actor, push: Push): PushFragment {
  const { writes } = core
  const entryKey = { user: actor.user, key: push.key, now }
  const initial = push.lifetime ?? core.lifecycles.initial(push.key)
  const grantees = push.grantees ?? [everyone]
  const namesAudience = push.grantees ? 1 : 0
  const storedBlob = core.blobs?.store(actor.user, `entry:${push.change}`, push.json)
  const stored = Buffer.byteLength(push.json)
  const statements = pushGuards(core, actor, push)
  if (storedBlob) statements.push(...storedBlob.statements)
  const put = statements.length
  const { ifVersion } = push
  const values = {
    ...entryKey,
    change: push.change,
    owner: actor.agent,
    audience: JSON.stringify(grantees),
    everyone: grantees.includes(everyone) ? 1 : 0,
    writers: JSON.stringify(push.writers ?? []),
    lifecycle: initial.lifecycle,
    ttl: initial.ttlMs,
    value: storeValue(storedBlob?.value ?? { json: push.json }),
    stored,
    metadata: push.metadata ?? null,
    provenance: JSON.stringify(push.provenance),
    taint: JSON.stringify(push.taint),
    namesAudience,
    namesWriters: push.writers ? 1 : 0,
    namesLifetime: push.lifetime ? 1 : 0,
    namesMetadata: push.metadata === undefined ? 0 : 1,
  }
  const replaced = { expect: { rows: 1 }, returns: true } as const
  statements.push(
    ifVersion
      ? writes.replace({ ...values, version: ifVersion }, { ...replaced, ...conflictOf(push.key, ifVersion) })
      : writes.put(values, { returns: true }),
    ...trailing(core, actor, push, grantees, initial),
    ...audited(core, actor, 'push_context', push.key),
  )
  return { statements, put, feed: [{ kind: 'put', key: push.key, data: push.change }] }
}

function trailing(
  core: MeshCore,
  actor: Actor,
  push: Push,
  grantees: readonly string[],
  initial: Lifetime,
): Statement[] {
  const { writes } = core
  const { user } = actor
  const topics = grantees.filter(isTopic)
  const statements = push.prunes ? [pruneOf(core, user, push.key)] : []
  if (topics.length > 0) statements.push(writes.name({ user, grantees: JSON.stringify(topics) }))
  if (initial.ttlMs !== null) statements.push(writes.work({ user }))
  return statements
}

/** Returns the statement that rejects a change after which the user exceeds the limits. */
export function quotaOf({ writes, limits }: MeshCore, { user }: Actor): readonly Statement[] {
  if (limits.entries === undefined && limits.bytes === undefined) return []
  const [entries, bytes] = [limits.entries ?? Number.MAX_SAFE_INTEGER, limits.bytes ?? Number.MAX_SAFE_INTEGER]
  const limit = [
    limits.entries === undefined ? '' : `${entries} entries`,
    limits.bytes === undefined ? '' : `${bytes} bytes`,
  ]
  const detail = { limit: limit.filter(Boolean).join(' or ') }
  return [writes.quota({ user, entries, bytes, now }, { expect: none, otherwise: 'context.quota', detail })]
}

/** Removes old versions. Those of the last ten minutes are retained for watchers, up to a hundred times the limit. */
const pruneOf = (core: MeshCore, user: string, key: string): Statement =>
  core.writes.prune({
    user,
    key,
    now,
    retained: core.limits.history + 1,
    maxVersions: Math.max(1, core.limits.history) * 100,
    before: { $: 'now', plusMs: -600_000 },
  })

export interface Removal {
  readonly key: string
  readonly change: string
  readonly ifVersion: number | undefined
}

export function prepareRemoval(core: MeshCore, key: Key | string, options: DeleteOptions): Removal {
  checkOptions('delete', options, ['ifVersion', 'signal'])
  return { key: checkedKey(key), change: core.nextChange(), ifVersion: checkVersion(options.ifVersion, 1) }
}

/** Returns the statements of a delete, which is rejected with `context.missing` without a visible entry. */
export function removeFragment(core: MeshCore, actor: Actor, removal: Removal): Fragment {
  const { writes } = core
  const { key } = removal
  const [{ agent }, entryKey] = [actor, { user: actor.user, key, now }]
  const seen = { ...entryKey, ...readerValues(actor) }
  const statements = [writes.visible(seen, { expect: { rows: 1 }, otherwise: 'context.missing', detail: { key } })]
  if (!power(actor, 'delete_others')) {
    const detail = { agent, action: 'delete', key }
    statements.push(writes.foreignVisible(seen, { expect: none, otherwise: 'context.denied', detail }))
  }
  statements.push(...versionGuard(core, actor, key, removal.ifVersion))
  return {
    statements: [
      ...statements,
      ...endStatements(core, actor.user, key, removal.change, 'removed'),
      ...audited(core, actor, 'delete_context', key),
    ],
    feed: [endOf(removal)],
  }
}
const endOf = ({ key, change }: Removal) => ({ kind: 'removed', key, data: change }) as const

/** Moves an entry to the history, and deletes it with its dependent rows. */
export function endStatements(
  core: MeshCore,
  user: string,
  key: string,
  change: string,
  ended: 'removed' | 'expired',
): Statement[] {
  const { writes } = core
  const entryKey = { user, key, now }
  return [
    writes.saveVersion({ ...entryKey, change, ended }),
    writes.addTombstone(entryKey),
    writes.remove(entryKey, { expect: { rows: 1 } }),
    writes.work({ user }),
  ]
}
