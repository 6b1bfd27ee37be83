/**
 * The rows of schedules. Each change increments the `turn` that was read, so if several processes serve a schedule,
 * only one changes it.
 */
import { sql } from 'kysely'
import type { UserId } from '../../core/index.ts'
import { type Bind, type ContentNames, type Row, type Statement, type Storage, templates } from '../../storage/index.ts'
import { type ScheduleSource, type StoredSpec, sourceOf } from './schedule-spec.ts'
import { scheduleContent, triggerContent } from './schedule-tables.ts'

/** The state of a schedule: it starts runs, is paused, or has no further times. */
export type ScheduleState = 'active' | 'paused' | 'ended'

/** Why a schedule starts no run although a trigger is due. */
export interface ScheduleProblem {
  /** The code of the error. */
  readonly code: string
  /** The message of the error. */
  readonly message: string
  /** The time of the first failure, as ISO 8601 text. */
  readonly since: string
}

export interface ScheduleRow {
  readonly id: string
  readonly state: ScheduleState
  readonly spec: StoredSpec
  readonly createdAt: number
  readonly turn: number
  /** The earliest time that was not processed. */
  readonly due: number | null
  /** The due time and the next ones, in order: at most five, and empty if there are none. */
  readonly coming: readonly number[]
  /** The revision of the context up to which changes were processed. */
  readonly position: number | null
  readonly lastRun: string | null
  readonly lastAt: number | null
  readonly problem: ScheduleProblem | null
  /** The API key, session or token by which it was created or resumed last; null for the application. */
  readonly apiKey: string | null
  /** The number of triggers that have not started a run yet. */
  readonly waiting: number
}

export interface TriggerRow {
  /** The name within its schedule, which is part of the id of its run. */
  readonly trigger: string
  readonly at: number
  readonly body: string
  readonly attempts: number
}

/** The columns that a change sets, besides the turn. */
export type Turned = Partial<
  Pick<ScheduleRow, 'state' | 'coming' | 'position' | 'lastRun' | 'lastAt' | 'problem' | 'apiKey'>
>

type Key = { readonly user: string; readonly schedule: string }

export interface ScheduleStore {
  insert(
    user: UserId,
    row: Pick<ScheduleRow, 'id' | 'state' | 'spec' | 'coming' | 'position' | 'apiKey'>,
    limit: number,
  ): readonly Statement[]
  get(user: UserId, id: string): Promise<(ScheduleRow & { readonly now: number }) | undefined>
  /** Lists schedules in the order of their ids. */
  list(user: UserId, after: string, limit: number): Promise<readonly ScheduleRow[]>
  /** Returns the active schedules that follow the context. */
  following(user: UserId): Promise<readonly ScheduleRow[]>
  triggers(user: UserId, id: string, limit: number): Promise<readonly TriggerRow[]>
  /** Changes a schedule. Fails with `schedule.conflict` if it was changed since it was read. */
  turn(user: UserId, row: ScheduleRow, to: Turned): Statement
  /** Adds a trigger after those of earlier turns; a trigger with this name is not added again. */
  addTrigger(user: UserId, row: Pick<ScheduleRow, 'id' | 'turn'>, trigger: Omit<TriggerRow, 'attempts'>): Statement
  deleteTrigger(user: UserId, id: string, trigger: string): Statement
  tried(user: UserId, id: string, trigger: string): Statement
  /** Sets the time at which the schedule is processed next; null for none. */
  scheduleAt(user: UserId, id: string, due: Bind): Statement
  /** As `scheduleAt`, also if the source of the schedule may have changed. */
  work(user: UserId, row: Pick<ScheduleRow, 'id' | 'state' | 'spec'>, due: Bind): Statement
  delete(user: UserId, id: string): readonly Statement[]
  /** Returns the due schedules of all users after a position, and the ms until the next one is due. */
  due(
    after: DueSchedule | undefined,
    limit: number,
  ): Promise<{ readonly due: readonly DueSchedule[]; readonly nextMs: number | undefined }>
  /** Returns the time of the storage, by which schedules are due. */
  now(): Promise<number>
  /** Returns the schedules of all users that follow messages or the context. */
  sources(): Promise<readonly (Key & { readonly source: Exclude<ScheduleSource, 'time'> })[]>
}

export interface DueSchedule extends Key {
  readonly due: number
}

const now = { $: 'now' } as const
export const dueOf = (coming: readonly number[]): number | null => coming[0] ?? null
const number = (value: Row[string] | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)

const rowOf = (row: Row): ScheduleRow => {
  const coming = JSON.parse(String(row.coming)) as readonly number[]
  return {
    id: String(row.schedule_id),
    state: row.state as ScheduleState,
    spec: JSON.parse(String(row.spec)) as StoredSpec,
    createdAt: Number(row.created_at),
    turn: Number(row.turn),
    due: dueOf(coming),
    coming,
    position: number(row.position),
    lastRun: row.last_run as string | null,
    lastAt: number(row.last_at),
    problem: row.problem === null ? null : (JSON.parse(String(row.problem)) as ScheduleProblem),
    apiKey: row.api_key as string | null,
    waiting: Number(row.waiting ?? 0),
  }
}

export function createScheduleStore(storage: Storage): ScheduleStore {
  const table = { ...compileWrites(storage), ...compileReads(storage) }
  return {
    insert: (user, row, limit) => {
      const at = { user, schedule: row.id }
      const { state, coming, position, apiKey } = row
      const texts = { spec: JSON.stringify(row.spec), coming: JSON.stringify(coming) }
      const source = sourceOf(row.spec)
      return [
        // Serialized between processes, because two concurrent creations could both pass the limit.
        ...(storage.dialect.name === 'postgres' ? [table.alone({ user })] : []),
        table.checkLimit({ user, limit }, { expect: { rows: 1 }, otherwise: 'schedule.limit', detail: { limit } }),
        table.insert(
          { ...at, state, source, ...texts, position, apiKey, now },
          { expect: { rows: 1 }, otherwise: 'schedule.exists', detail: { schedule: row.id } },
        ),
        table.work({ ...at, ...workOf(row, dueOf(coming)) }),
      ]
    },
    async get(user, schedule) {
      const [rows] = await storage.read({ user }, [table.get({ user, schedule, now }, { returns: true })])
      return rows?.[0] && { ...rowOf(rows[0]), now: Number(rows[0].now) }
    },
    async list(user, after, limit) {
      const [rows] = await storage.read({ user }, [table.list({ user, after, limit }, { returns: true })])
      return (rows ?? []).map(rowOf)
    },
    async following(user) {
      const [rows] = await storage.read({ user }, [table.following({ user }, { returns: true })])
      return (rows ?? []).map(rowOf)
    },
    async triggers(user, schedule, limit) {
      const [rows] = await storage.read({ user }, [table.triggers({ user, schedule, limit }, { returns: true })])
      return (rows ?? []).map((row) => ({
        trigger: String(row.trigger),
        at: Number(row.at),
        body: String(row.body),
        attempts: Number(row.attempts),
      }))
    },
    turn(user, row, to) {
      const { state, coming, position, lastRun, lastAt, problem, apiKey } = { ...row, ...to }
      const values = {
        state,
        coming: JSON.stringify(coming),
        position,
        lastRun,
        lastAt,
        apiKey,
        problem: problem && JSON.stringify(problem),
      }
      return table.turn(
        { user, schedule: row.id, turn: row.turn, ...values },
        { expect: { rows: 1 }, otherwise: 'schedule.conflict', detail: { schedule: row.id } },
      )
    },
    addTrigger: (user, { id, turn }, { trigger, at, body }) =>
      table.add({ user, schedule: id, trigger, seq: turn, at, body }),
    deleteTrigger: (user, schedule, trigger) =>
      table.drop(
        { user, schedule, trigger },
        { expect: { rows: 1 }, otherwise: 'schedule.conflict', detail: { schedule } },
      ),
    tried: (user, schedule, trigger) => table.tried({ user, schedule, trigger }),
    scheduleAt: (user, schedule, due) => table.scheduleAt({ user, schedule, due }),
    work: (user, row, due) => table.work({ user, schedule: row.id, ...workOf(row, due) }),
    delete: (user, schedule) => [
      table.deleteTriggers({ user, schedule }),
      table.deleteWork({ user, schedule }),
      table.delete({ user, schedule }),
    ],
    ...workReads(storage, table),
  }
}

/** The reads of the schedules of all users. */
function workReads(
  storage: Storage,
  table: ReturnType<typeof compileReads>,
): Pick<ScheduleStore, 'due' | 'now' | 'sources'> {
  return {
    async now() {
      const [rows] = await storage.read({ work: true }, [table.now({ now }, { returns: true })])
      return Number(rows?.[0]?.now)
    },
    async due(after, limit) {
      const from = after ?? { due: 0, user: '', schedule: '' }
      const [rows = [], next] = await storage.read({ work: true }, [
        table.due({ ...from, limit, now }, { returns: true }),
        table.next({ now }, { returns: true }),
      ])
      const due = rows.map((row) => ({
        user: String(row.user_id),
        schedule: String(row.schedule_id),
        due: Number(row.due),
      }))
      return { due, nextMs: number(next?.[0]?.ms) ?? undefined }
    },
    async sources() {
      const [rows = []] = await storage.read({ work: true }, [table.sources({}, { returns: true })])
      return rows.map((row) => ({
        user: String(row.user_id),
        schedule: String(row.schedule_id),
        source: row.source as Exclude<ScheduleSource, 'time'>,
      }))
    },
  }
}

/** A paused schedule is not processed. */
function workOf({ state, spec }: Pick<ScheduleRow, 'state' | 'spec'>, due: Bind) {
  const source = sourceOf(spec)
  const listens = state === 'active' && source !== 'time'
  return { source: listens ? source : null, due: state === 'paused' ? null : due }
}

const { spec, problem } = scheduleContent('schedule')
const specContent: ContentNames = { spec: spec as [string, string] }
const problemContent: ContentNames = { problem: problem as [string, string] }

const here = (p: Key) => sql`user_id = ${p.user} and schedule_id = ${p.schedule}`

function compileWrites(storage: Storage) {
  const compile = templates(storage.dialect)
  type Named = Key & { trigger: string }
  type Set = {
    state: string
    coming: string
    position: number | null
    problem: string | null
    lastRun: string | null
    lastAt: number | null
    apiKey: string | null
  }
  return {
    alone: compile<{ user: string }>(
      (p) => sql`select pg_advisory_xact_lock(hashtextextended(${p.user}, to_regclass('schedules')::oid::bigint))`,
    ),
    checkLimit: compile<{ user: string; limit: number }>(
      (p) =>
        sql`select 1 as allowed where (select count(*) from schedules where user_id = ${p.user} and state <> 'ended') < ${p.limit}`,
    ),
    insert: compile<
      Key & Pick<Set, 'state' | 'coming' | 'position' | 'apiKey'> & { source: string; spec: string; now: Bind }
    >(
      (
        p,
      ) => sql`insert into schedules (user_id, schedule_id, state, source, spec, created_at, turn, coming, position, api_key)
        values (${p.user}, ${p.schedule}, ${p.state}, ${p.source}, ${p.spec}, ${p.now}, 1, ${p.coming}, ${p.position}, ${p.apiKey})
        on conflict do nothing`,
      specContent,
    ),
    work: compile<Key & { source: string | null; due: Bind }>(
      (p) => sql`insert into schedule_work (user_id, schedule_id, source, due)
        values (${p.user}, ${p.schedule}, ${p.source}, ${p.due})
        on conflict (user_id, schedule_id) do update set source = excluded.source, due = excluded.due`,
    ),
    turn: compile<Key & Set & { turn: number }>(
      (
        p,
      ) => sql`update schedules set turn = turn + 1, state = ${p.state}, coming = ${p.coming}, position = ${p.position},
          last_run = ${p.lastRun}, last_at = ${p.lastAt}, problem = ${p.problem}, api_key = ${p.apiKey}
        where ${here(p)} and turn = ${p.turn}`,
      problemContent,
    ),
    add: compile<Named & { seq: number; at: number; body: string }>(
      (p) => sql`insert into schedule_triggers (user_id, schedule_id, trigger, seq, at, body, attempts)
        values (${p.user}, ${p.schedule}, ${p.trigger}, ${p.seq}, ${p.at}, ${p.body}, 0) on conflict do nothing`,
      triggerContent('schedule', 'trigger'),
    ),
    drop: compile<Named>((p) => sql`delete from schedule_triggers where ${here(p)} and trigger = ${p.trigger}`),
    tried: compile<Named>(
      (p) => sql`update schedule_triggers set attempts = attempts + 1 where ${here(p)} and trigger = ${p.trigger}`,
    ),
    scheduleAt: compile<Key & { due: Bind }>((p) => sql`update schedule_work set due = ${p.due} where ${here(p)}`),
    deleteTriggers: compile<Key>((p) => sql`delete from schedule_triggers where ${here(p)}`),
    deleteWork: compile<Key>((p) => sql`delete from schedule_work where ${here(p)}`),
    delete: compile<Key>((p) => sql`delete from schedules where ${here(p)}`),
  }
}

function compileReads(storage: Storage) {
  const compile = templates(storage.dialect)
  const content = scheduleContent('schedule_id')
  const waiting = sql`(select count(*) from schedule_triggers o
    where o.user_id = s.user_id and o.schedule_id = s.schedule_id) as waiting`
  return {
    get: compile<Key & { now: Bind }>(
      (p) => sql`select s.*, ${waiting}, 0 + ${p.now} as now from schedules s
        where s.user_id = ${p.user} and s.schedule_id = ${p.schedule}`,
      content,
    ),
    list: compile<{ user: string; after: string; limit: number }>(
      (p) => sql`select s.*, ${waiting} from schedules s where s.user_id = ${p.user} and s.schedule_id > ${p.after}
        order by s.schedule_id limit ${p.limit}`,
      content,
    ),
    following: compile<{ user: string }>(
      (p) => sql`select s.*, ${waiting} from schedules s
        where s.user_id = ${p.user} and s.source = 'context' and s.state = 'active'`,
      content,
    ),
    triggers: compile<Key & { limit: number }>(
      (p) => sql`select schedule_id, trigger, at, body, attempts from schedule_triggers where ${here(p)}
        order by seq, at, trigger limit ${p.limit}`,
      triggerContent('schedule_id', 'trigger'),
    ),
    due: compile<Key & { due: number; limit: number; now: Bind }>(
      (p) => sql`select user_id, schedule_id, due from schedule_work
        where due <= ${p.now} and (due, user_id, schedule_id) > (${p.due}, ${p.user}, ${p.schedule})
        order by due, user_id, schedule_id limit ${p.limit}`,
    ),
    next: compile<{ now: Bind }>((p) => sql`select min(due) - ${p.now} as ms from schedule_work where due > ${p.now}`),
    now: compile<{ now: Bind }>((p) => sql`select 0 + ${p.now} as now`),
    sources: compile<Record<never, never>>(
      () => sql`select user_id, schedule_id, source from schedule_work where source is not null`,
    ),
  }
}
