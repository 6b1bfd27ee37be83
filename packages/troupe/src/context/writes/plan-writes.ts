/** Plans a write in a step by the entry at the call, staged writes included. The record has the entry. */
import { failure, type Json, type Provenance } from '../../core/index.ts'
import { everyone, mayRead, mayWrite } from '../entries/audience.ts'
import type { EntryRow } from '../entries/entry-row.ts'
import { entryRow } from '../entries/entry-row.ts'
import { type Actor, type Push, power, type Removal } from '../entries/fragments.ts'
import type { MeshCore } from '../mesh-core.ts'
import { now } from '../statements/visibility.ts'
import type { Overlay, OverlayEntry, StagedEntry } from './overlay.ts'

type ExistingEntry = Pick<
  EntryRow,
  'version' | 'born' | 'owner' | 'grantees' | 'writers' | 'lifecycle' | 'ttlMs' | 'metadata' | 'createdAt'
>

/** The recorded data on which a write is decided, as JSON. */
export interface Check {
  readonly existing: ExistingEntry | null
  /** The last version under this key. A new entry gets the next number. */
  readonly last: number
  /** Topics of the entry, and of the push, that are closed to the agent. */
  readonly closed: readonly string[]
  readonly readable: boolean
  readonly writable: boolean
  readonly subscribed: readonly string[]
  /** The time of the read in ms since 1970. */
  readonly at: number
  /** True if another writer wrote the entry while this step was executing. */
  readonly since?: true
}
export type CheckJson = Check & { readonly [key: string]: Json }

/** Reads the data for a decision; a replay answers from the record. */
export async function check(
  core: MeshCore,
  actor: Actor,
  overlay: Overlay,
  key: string,
  named: readonly string[] = [],
  step?: { readonly id: string; readonly began: number },
): Promise<CheckJson> {
  const staged = overlay.get(key)
  const { user, agent } = actor
  const [rows = [], subscriptions = [], [versions] = [], closedTo = []] = await core.read(
    user,
    core.reads.anyEntry({ user, key, now }),
    core.reads.subscriptions({ user, agent }),
    core.reads.lastVersion({ user, key }),
    core.reads.closedTo({ user, agent }),
  )
  const subscribed = subscriptions.map(({ grantee }) => String(grantee))
  const committed = rows[0] && entryRow(rows[0])
  const found = staged ? ('entry' in staged ? staged.entry : undefined) : committed
  const known = new Set(subscribed)
  return {
    existing: found ? existingEntryOf(found) : null,
    last: Math.max(
      staged && 'removed' in staged ? staged.removed : 0,
      ...[versions?.entry, versions?.tombstone, versions?.lowest].map(Number),
    ),
    closed: actor.all
      ? []
      : closedTo
          .map(({ grantee }) => String(grantee))
          .filter((topic) => named.includes(topic) || found?.grantees.includes(topic)),
    readable: found !== undefined && mayRead(found, actor, known),
    writable: found === undefined || power(actor, 'write_others') || mayWrite(found, actor, known),
    subscribed,
    at: core.clock.now(),
    ...(step && !staged && committed && isSince(committed, step) ? { since: true } : {}),
  } as CheckJson
}

const isSince = ({ updatedAt, provenance }: EntryRow, { id, began }: { readonly id: string; readonly began: number }) =>
  updatedAt > began && (JSON.parse(provenance) as Provenance).stepId !== id

const existingEntryOf = (row: ExistingEntry): ExistingEntry => ({
  version: row.version,
  born: row.born,
  owner: row.owner,
  grantees: row.grantees,
  writers: row.writers,
  lifecycle: row.lifecycle,
  ttlMs: row.ttlMs,
  metadata: row.metadata,
  createdAt: row.createdAt,
})

/** The entry after a push, if no other process writes the key before the turn commits. */
export interface PlannedPush {
  readonly entry: StagedEntry
  readonly visible: boolean
  /** True if it replaces a version that was written during the step and that the step has not read. */
  readonly unread: boolean
}

/** @throws a rejection that is visible at the call; one that only the commit detects fails the turn */
export function planPush(core: MeshCore, actor: Actor, push: Push, found: Check): Omit<PlannedPush, 'unread'> {
  const { agent } = actor
  const { key } = push
  const { existing } = found
  const grantees = push.grantees ?? existing?.grantees ?? [everyone]
  const closed = grantees.filter((grantee) => found.closed.includes(grantee))
  if (!found.writable || (closed.length > 0 && !push.grantees))
    throw failure('context.denied', { agent, action: 'write', key })
  const foreign = existing !== null && existing.owner !== agent && !power(actor, 'change_audience')
  if (foreign && (push.grantees || push.writers))
    throw failure('context.denied', { agent, action: 'change who may read or write', key })
  if (closed.length > 0)
    throw failure('topic.closed', { agent, action: 'post to', topics: closed.map((grantee) => grantee.slice(1)) })
  compareVersion(push, existing?.version ?? 0)
  const lifetime = push.lifetime ?? existing ?? core.lifecycles.initial(key)
  const version = (existing?.version ?? found.last) + 1
  const entry: StagedEntry = {
    key,
    version,
    born: existing?.born ?? version,
    change: push.change,
    owner: existing?.owner ?? agent,
    grantees,
    writers: push.writers ?? existing?.writers ?? [],
    lifecycle: lifetime.lifecycle,
    ttlMs: lifetime.ttlMs,
    createdAt: existing?.createdAt ?? found.at,
    updatedAt: found.at,
    expiresAt: lifetime.ttlMs === null ? null : found.at + lifetime.ttlMs,
    metadata: push.metadata ?? existing?.metadata ?? null,
    provenance: JSON.stringify(push.provenance),
    taint: JSON.stringify(push.taint),
    json: push.json,
  }
  return { entry, visible: mayRead(entry, actor, new Set(found.subscribed)) }
}

/** @returns undefined if there is no visible entry */
export function planRemoval(actor: Actor, removal: Removal, found: Check): OverlayEntry | undefined {
  const { agent } = actor
  const { key } = removal
  const { existing } = found
  if (!existing || !found.readable) return undefined
  if (existing.owner !== agent && !power(actor, 'delete_others'))
    throw failure('context.denied', { agent, action: 'delete', key })
  compareVersion(removal, existing.version)
  return { removed: existing.version }
}

/** Compare-and-set: a write that names the version it changes is rejected if the entry has another one. */
function compareVersion({ key, ifVersion }: Pick<Push | Removal, 'key' | 'ifVersion'>, version: number): void {
  if (ifVersion !== undefined && ifVersion !== version) throw failure('context.conflict', { key, expected: ifVersion })
}
