/** The schedules of one user: runs that start at a time, at a change of context, or at a message. */
import {
  canonicalJson,
  checkConstruct,
  checkName,
  checkOptions,
  construct,
  createPage,
  decodeCursor,
  encodeCursor,
  failure,
  type Json,
  type Page,
  taintField,
  truncateText,
  type UserId,
  userKey,
} from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import type { TimesQuery } from '../../security/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { CompiledTopology } from '../../topology/index.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'
import { Run } from '../engine/run.ts'
import type { TeamReference } from '../engine/starts/resolve-team.ts'
import { beginRun, commit } from './begin-run.ts'
import type { ScheduleHost } from './schedule-host.ts'
import { endedMs, runOf } from './schedule-parts.ts'
import { checkSpec, firstTimes, readSpec, type ScheduleSpec, type StoredSpec } from './schedule-spec.ts'
import { dueOf, type ScheduleRow, type Turned } from './schedule-store.ts'
import { type Schedule, scheduleView } from './schedule-view.ts'
import { emitScheduleEvent, isMoved } from './serve-schedule.ts'

type Row = ScheduleRow & { readonly now: number }

/** The highest number of bytes of an id, which is part of the ids of its runs. */
const longestId = 128

/**
 * The schedules of one user: runs that start at a time, at a change of context, or at a message. `user.schedules`
 * returns it.
 */
export class Schedules {
  readonly #scheduleHost: ScheduleHost
  readonly #host: OrchestraHost
  readonly #user: UserId

  private constructor(key: typeof construct, scheduleHost: ScheduleHost, host: OrchestraHost, user: UserId) {
    checkConstruct(key, 'Schedules', 'user.schedules')
    this.#scheduleHost = scheduleHost
    this.#host = host
    this.#user = user
  }

  static [construct](scheduleHost: ScheduleHost, host: OrchestraHost, user: UserId): Schedules {
    return new Schedules(construct, scheduleHost, host, user)
  }

  /**
   * Creates a schedule, and resolves when it is durable. A repeated call with the same id and specification returns the
   * existing schedule.
   * @throws ValidationError `schedule.invalid`, `topology.rejected`; NotFoundError `team.unknown`; ConflictError
   * `schedule.exists`; CapacityError `schedule.limit`
   * @example await ada.schedules.create({ id: 'digest', team: 'digest', task: 'The news', every: '0 8 * * 1-5',
   * timeZone: 'Europe/Berlin' })
   */
  async create(spec: ScheduleSpec): Promise<Schedule> {
    const { parts } = this.#scheduleHost
    const { code } = parts.settings
    const { store } = parts.stores
    checkSpec(spec)
    const id = spec.id === undefined ? parts.platform.ids.next() : checkId(spec.id)
    let topology: CompiledTopology | undefined
    const compile = (reference: TeamReference) => {
      topology = code.compile(reference)
      return topology
    }
    const { paused = false, every } = spec
    const readAt = readSpec(id, spec, { prepare: Object.keys(code.prepare), compile })
    const author = parts.access.callers.sourceFor(this.#user)
    const taint = taintField(parts.access.callers.taint)
    const now = await store.now()
    const stored = { ...readAt(now), ...(author === undefined ? {} : { author }), ...taint }
    // Before its times are computed: those of an existing schedule may be over.
    const existing = await store.get(this.#user, id)
    if (existing) {
      const view = scheduleView(same(existing, stored))
      // After a restart this process has the code only from this call.
      if (topology) code.remember(userKey(this.#user, id), topology.agents)
      return view
    }
    const timesOf = (query: TimesQuery) => parts.sources.times(author, query)
    const coming = stored.timing ? await firstTimes(every, stored.timing, now, timesOf) : []
    if (topology) {
      const { config } = stored
      parts.runs.check({ task: stored.task ?? null, topology, ...(config ? { config } : {}) })
      code.remember(userKey(this.#user, id), topology.agents)
    }
    await this.#insert(id, stored, paused ? 'paused' : 'active', coming)
    const row = await this.#row(id)
    return scheduleView(same(row, stored))
  }

  /**
   * Returns a schedule.
   * @throws NotFoundError `schedule.unknown`
   */
  async get(id: string): Promise<Schedule> {
    return scheduleView(await this.#row(checkId(id)))
  }

  /**
   * Lists the schedules in the order of their ids.
   * @param options.limit the number of schedules of a page, from 1, at most 500; 50 by default
   * @param options.cursor the cursor of the previous page; by default the first page
   * @throws ValidationError `cursor.invalid`
   */
  async list(options: { readonly limit?: number; readonly cursor?: string } = {}): Promise<Page<Schedule>> {
    checkOptions('schedules.list', options, ['limit', 'cursor'])
    const limit = Math.min(checkInteger('schedules.list', 'limit', options.limit ?? 50), 500)
    const after = options.cursor === undefined ? '' : decodeCursor(options.cursor)
    const { store } = this.#scheduleHost.parts.stores
    // One more row says whether another page follows.
    const rows = await store.list(this.#user, after, limit + 1)
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1)?.id : undefined
    const next = last === undefined ? undefined : encodeCursor(last)
    return createPage(shown.map(scheduleView), next, (cursor) => this.list({ limit, cursor }))
  }

  /**
   * Pauses a schedule: it starts no run until `resume`, also for triggers that wait.
   * @throws NotFoundError `schedule.unknown`; ConflictError `schedule.over`
   */
  async pause(id: string): Promise<Schedule> {
    return this.#turn(checkId(id), 'schedule.paused', (row) => {
      if (row.state === 'ended') throw failure('schedule.over', { schedule: id })
      return { state: 'paused' }
    })
  }

  /**
   * Resumes a paused schedule. Times and changes during the pause start no run; messages of that time do.
   * @throws NotFoundError `schedule.unknown`; ConflictError `schedule.over`
   */
  async resume(id: string): Promise<Schedule> {
    const position = await this.#head()
    return this.#turn(checkId(id), 'schedule.resumed', async (row) => {
      if (row.state === 'ended') throw failure('schedule.over', { schedule: id })
      if (row.state === 'active') return {}
      const { timing, onContext, author } = row.spec
      const { sources } = this.#scheduleHost.parts
      const { coming } = timing ? await sources.times(author, { timing, now: row.now }) : { coming: [] }
      const state = timing && coming.length === 0 ? ('ended' as const) : ('active' as const)
      return { state, coming, problem: null, apiKey: this.#apiKey(), ...(onContext ? { position } : {}) }
    })
  }

  /** Deletes a schedule; its runs are not affected. Returns false if there is no such schedule. */
  async delete(id: string): Promise<boolean> {
    const { parts } = this.#scheduleHost
    const row = await parts.stores.store.get(this.#user, checkId(id))
    if (!row) return false
    await commit(parts, this.#user, [...parts.stores.store.delete(this.#user, id), ...this.#written('delete', id)])
    await this.#scheduleHost.listen()
    emitScheduleEvent(parts.platform, { user: this.#user, id }, 'schedule.deleted', {})
    return true
  }

  /**
   * Starts a run now, regardless of the times, a pause and earlier runs.
   * @param options.id a repeated call with this id returns the same run; by default each call starts a new run
   * @throws NotFoundError `schedule.unknown`; ConflictError `run.agents_missing` if this process does not have the
   * code; the error of `prepare`
   */
  async trigger(id: string, options: { readonly id?: string } = {}): Promise<Run> {
    checkOptions('schedules.trigger', options, ['id'])
    const { parts } = this.#scheduleHost
    const user = this.#user
    const trigger = options.id === undefined ? parts.platform.ids.next() : checkId(options.id, 'The trigger')
    for (;;) {
      const row = await this.#row(checkId(id))
      if (options.id !== undefined && row.lastRun === runOf(id, trigger))
        return Run[construct](this.#host, user, row.lastRun)
      const topology = parts.settings.code.of(userKey(user, id), id, row.spec)
      const body = { type: 'trigger', at: new Date(row.now).toISOString() } as const
      const beginning = { user, row, trigger, body, topology, signal: this.#scheduleHost.closing }
      try {
        return Run[construct](this.#host, user, await beginRun(parts, beginning, this.#written('trigger', id)))
      } catch (error) {
        if (!isMoved(error)) throw error
      }
    }
  }

  async #insert(id: string, spec: StoredSpec, state: 'active' | 'paused', coming: readonly number[]): Promise<void> {
    const { parts } = this.#scheduleHost
    const { store } = parts.stores
    const { limit } = parts.settings
    const position = spec.onContext ? await this.#head() : null
    try {
      const statements = store.insert(this.#user, { id, state, spec, coming, position, apiKey: this.#apiKey() }, limit)
      await commit(parts, this.#user, [...statements, ...this.#written('create', id)])
    } catch (error) {
      // Another call has created a schedule with this id meanwhile; the caller compares both.
      if ((error as { readonly code?: unknown }).code !== 'schedule.exists') throw error
      return
    }
    await this.#scheduleHost.listen()
    emitScheduleEvent(parts.platform, { user: this.#user, id }, 'schedule.created', {})
  }

  #apiKey(): string | null {
    return this.#scheduleHost.parts.access.callers.grant ?? null
  }

  #written(action: 'create' | 'delete' | 'pause' | 'resume' | 'trigger', id: string): readonly Statement[] {
    const entry = { actor: 'host', operation: `schedule.${action}`, resource: id }
    return this.#scheduleHost.parts.access.audit?.written(this.#user, entry) ?? []
  }

  async #row(id: string): Promise<Row> {
    const row = await this.#scheduleHost.parts.stores.store.get(this.#user, id)
    if (!row)
      throw (
        (await this.#host.parts.reporting.erasureError?.(this.#user)) ?? failure('schedule.unknown', { schedule: id })
      )
    return row
  }

  async #head(): Promise<number> {
    return (await this.#host.parts.stores.storage.feed(this.#user, Number.MAX_SAFE_INTEGER, 1)).head
  }

  async #turn(
    id: string,
    event: 'schedule.paused' | 'schedule.resumed',
    to: (row: Row) => Turned | Promise<Turned>,
  ): Promise<Schedule> {
    const { parts } = this.#scheduleHost
    const { store } = parts.stores
    for (;;) {
      const row = await this.#row(id)
      const set = await to(row)
      if (set.state === undefined || set.state === row.state) return scheduleView(row)
      const turned = { ...row, ...set }
      const due = dueOf(turned.coming) ?? (turned.state === 'ended' ? row.now + endedMs : null)
      const statements = [
        store.turn(this.#user, row, set),
        store.work(this.#user, turned, row.waiting > 0 ? row.now : due),
        ...this.#written(event === 'schedule.paused' ? 'pause' : 'resume', id),
      ]
      try {
        await commit(parts, this.#user, statements)
      } catch (error) {
        if (isMoved(error)) continue
        throw error
      }
      await this.#scheduleHost.listen()
      emitScheduleEvent(parts.platform, { user: this.#user, id }, event, {})
      return scheduleView(await this.#row(id))
    }
  }
}

function checkId(id: string, what = 'A schedule'): string {
  checkName('schedule', id)
  if (Buffer.byteLength(id) > longestId || id.includes('@'))
    throw failure('name.invalid', {
      what,
      value: truncateText(id, 80),
      problem: 'it holds @, or is too long',
      limit: longestId,
    })
  return id
}

/**
 * Returns the existing schedule, whose times count from its own creation.
 * @throws ConflictError `schedule.exists` if its specification differs
 */
function same(row: Row, spec: StoredSpec): Row {
  const compared = ({ timing: _, author: __, ...rest }: StoredSpec) =>
    canonicalJson(JSON.parse(JSON.stringify(rest)) as Json)
  if (compared(row.spec) === compared(spec)) return row
  throw failure('schedule.exists', { schedule: row.id })
}
