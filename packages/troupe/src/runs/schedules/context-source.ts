/**
 * Changes of context as triggers. Each schedule has a position in the revisions of its user. A later change becomes a trigger in
 * the same commit that moves the position past it, so each becomes one trigger, also after a crash.
 */
import type { WrittenEntry } from '../../context/index.ts'
import type { UserId } from '../../core/index.ts'
import { commit } from './begin-run.ts'
import type { ScheduleTrigger } from './schedule-code.ts'
import { maxPendingTriggers, type ScheduleParts } from './schedule-parts.ts'
import type { ScheduleRow } from './schedule-store.ts'
import { isMoved } from './serve-schedule.ts'

/** The highest number of revisions without a match, and the longest time in ms, until the position is stored. */
const maxUnsavedRevisions = 500
const maxUnsavedMs = 60_000
const pauseMs = 1_000

interface Position {
  /** The revision up to which this process has read. */
  revision: number
  savedAt: number
}

export class ContextSource {
  readonly #parts: ScheduleParts
  readonly #nudge: (user: UserId, id: string) => void
  #users: ReadonlySet<UserId> = new Set()
  /** The positions of the schedules that follow the context, by user and schedule. */
  readonly #positions = new Map<UserId, Map<string, Position>>()
  readonly #inProgress = new Map<UserId, { promise: Promise<void>; needsRecheck: boolean }>()
  #closed = false

  constructor(parts: ScheduleParts, nudge: (user: UserId, id: string) => void) {
    this.#parts = parts
    this.#nudge = nudge
  }

  /** @param users the users with schedules that follow their context, from now on */
  follow(users: readonly UserId[]): void {
    this.#users = new Set(users)
    for (const user of this.#positions.keys()) if (!this.#users.has(user)) this.#positions.delete(user)
    for (const user of this.#users) this.changed(user)
  }

  /** The user's context may have changed. */
  changed(user: UserId): void {
    if (this.#closed || !this.#users.has(user)) return
    const inProgress = this.#inProgress.get(user)
    if (inProgress) {
      inProgress.needsRecheck = true
      return
    }
    const begun = { promise: Promise.resolve(), needsRecheck: false }
    const poll = async () => {
      do {
        begun.needsRecheck = false
        await this.#poll(user).catch(() => this.#later(user))
      } while (begun.needsRecheck && !this.#closed && this.#users.has(user))
      this.#inProgress.delete(user)
    }
    begun.promise = poll()
    this.#inProgress.set(user, begun)
  }

  async forget(user: UserId): Promise<void> {
    this.#users = new Set([...this.#users].filter((one) => one !== user))
    await this.#inProgress.get(user)?.promise
    this.#positions.delete(user)
  }

  async stop(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#inProgress.values()].map(({ promise }) => promise))
  }

  #later(user: UserId): void {
    this.#parts.platform.clock.after(pauseMs, () => this.changed(user), { background: true })
  }

  /** Reads until no change follows the positions. */
  async #poll(user: UserId): Promise<void> {
    while (!this.#closed && this.#users.has(user)) {
      const rows = await this.#parts.stores.store.following(user)
      const positions = this.#positionsOf(user)
      const followed = new Set(rows.map(({ id }) => id))
      for (const id of positions.keys()) if (!followed.has(id)) positions.delete(id)
      const open = rows.filter(({ waiting }) => waiting < maxPendingTriggers)
      const hasChanged = open.length > 0 && (await this.#page(user, open))
      // Schedules with too many waiting triggers continue after some of them have started.
      if (open.length < rows.length) return this.#later(user)
      if (!hasChanged) return
    }
  }

  /** @returns true if there may be more */
  async #page(user: UserId, rows: readonly ScheduleRow[]): Promise<boolean> {
    const page = await this.#parts.sources.written(user, Math.min(...rows.map((row) => this.#at(user, row))))
    let hasChanged = page.lost
    for (const row of rows) {
      const processedRevision = this.#at(user, row)
      if (page.lost) await this.#resync(user, row, page.revision)
      else if (page.revision > processedRevision) {
        hasChanged = true
        const fresh = page.entries.filter(({ revision }) => revision > processedRevision)
        await this.#addTriggers(user, row, fresh, page.revision)
      }
    }
    return hasChanged
  }

  #positionsOf(user: UserId): Map<string, Position> {
    const positions = this.#positions.get(user) ?? new Map<string, Position>()
    this.#positions.set(user, positions)
    return positions
  }

  #at(user: UserId, row: ScheduleRow): number {
    return Math.max(row.position ?? 0, this.#positions.get(user)?.get(row.id)?.revision ?? 0)
  }

  async #addTriggers(user: UserId, row: ScheduleRow, entries: readonly WrittenEntry[], until: number): Promise<void> {
    const found = await this.#wantedOf(row, entries)
    const { clock } = this.#parts.platform
    const positions = this.#positionsOf(user)
    const known = positions.get(row.id) ?? { revision: 0, savedAt: clock.monotonic() }
    positions.set(row.id, known)
    const isRecentlySaved =
      until - (row.position ?? 0) < maxUnsavedRevisions && clock.monotonic() - known.savedAt < maxUnsavedMs
    if (found.length > 0 || !isRecentlySaved) {
      const committed = await this.#commit(user, row, until, found.map(triggerOf))
      if (!committed) return
      known.savedAt = clock.monotonic()
    }
    known.revision = until
  }

  /** Includes entries whose topics are no longer known: one trigger too many is better than a lost one. */
  async #wantedOf({ spec }: ScheduleRow, entries: readonly WrittenEntry[]): Promise<readonly WrittenEntry[]> {
    const { onContext, author } = spec
    if (!onContext) return []
    const { pattern, topics: named } = onContext
    const keys = entries.map(({ key }) => key)
    const matched = await this.#parts.sources.matching(author, pattern, keys)
    return entries.filter(
      ({ key, topics }) => matched.has(key) && (!named || !topics || named.some((topic) => topics.includes(topic))),
    )
  }

  async #resync(user: UserId, row: ScheduleRow, revision: number): Promise<void> {
    const body: ScheduleTrigger = { type: 'context', resync: true, revision }
    this.#positionsOf(user).delete(row.id)
    await this.#commit(user, row, revision, [{ trigger: `resync-${revision}`, body }])
  }

  /** @returns false if the schedule was changed by another writer */
  async #commit(
    user: UserId,
    row: ScheduleRow,
    position: number,
    triggers: readonly { readonly trigger: string; readonly body: ScheduleTrigger }[],
  ): Promise<boolean> {
    const { store } = this.#parts.stores
    const { clock } = this.#parts.platform
    const at = clock.now()
    const statements = [
      store.turn(user, row, { position }),
      ...triggers.map(({ trigger, body }) => store.addTrigger(user, row, { trigger, at, body: JSON.stringify(body) })),
      ...(triggers.length > 0 ? [store.scheduleAt(user, row.id, { $: 'now' })] : []),
    ]
    try {
      await commit(this.#parts, user, statements)
    } catch (error) {
      if (isMoved(error)) return false
      throw error
    }
    if (triggers.length > 0) this.#nudge(user, row.id)
    return true
  }
}

/** Numbers the triggers, so that they sort in order. */
const triggerOf = ({ key, revision, ordinal, version }: WrittenEntry) => ({
  trigger: `${String(revision).padStart(12, '0')}.${String(ordinal).padStart(4, '0')}`,
  body: { type: 'context', key, revision, ...(version === undefined ? {} : { version }) } as const,
})
