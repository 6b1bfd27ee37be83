/**
 * Durable timers: a due timer becomes a row of its journal's inbox in the change that removes it, so that it arrives
 * once, however many processes poll.
 */
import { sql } from 'kysely'
import { type Clock, checkPorts, encodeJson, hashText, PeriodicTask, type Random } from '../../core/index.ts'
import { type Fragment, type Statement, type Storage, templates } from '../../storage/index.ts'
import { arrivalColumns } from '../inbox/create-inbox.ts'
import { inboxContent } from '../journal-tables.ts'
import { runPrefix, shardOf, workJournal } from '../run-journal.ts'
import type { Timers } from '../timers-port.ts'

/** The sender that a timer's row in an inbox names. */
export const timerSender = 'timer'

const batch = 200
/** The maximal interval of polls in ms. Another process may set timers of which this process gets no hint. */
const maxPollMs = 300_000
/**
 * The time in ms from which a timer needs no notification: the next poll of each process finds it, also if its commit is slow
 * or the clocks differ slightly.
 */
const soonMs = 1.2 * maxPollMs
/** The interval in ms after which the clock of a server is read again. */
const clockRetryMs = 20
/** The delay in ms after a failed poll. */
const pauseMs = 5_000

type TimerKey = { readonly user: string; readonly timer: string }

function compileStatements(storage: Storage) {
  const { dialect } = storage
  const compile = templates(dialect)
  type Shift = { readonly user: string; readonly timers: string; readonly ms: number }
  const each = (list: string) =>
    dialect.name === 'sqlite'
      ? sql`select value from json_each(${list})`
      : sql`select value from json_array_elements_text(cast(${list} as json))`
  const shifted = (p: Shift) => sql`user_id = ${p.user} and timer_id in (${each(p.timers)})`
  type Due = TimerKey & { readonly shard: number; readonly now: number | { readonly $: 'now' } }
  const ofRun = (column: string) =>
    sql`substr(${sql.ref(column)}, 1, ${sql.lit(runPrefix.length)}) = ${sql.lit(runPrefix)}`
  const unread = (p: Due) => sql`from timers t where ${isUnread(p)}`
  const isUnread = (p: Due) => sql`t.user_id = ${p.user} and t.timer_id = ${p.timer} and t.due <= ${p.now}
    and not exists (select 1 from inbox i where i.user_id = t.user_id and i.journal_id = t.journal_id
      and i.from_id = ${timerSender} and i.name = t.name)`
  return {
    set: compile<TimerKey & { journal: string; work: string; name: string; due: number; body: string }>(
      (p) => sql`insert into timers (user_id, timer_id, journal_id, work_journal, name, due, body)
        values (${p.user}, ${p.timer}, ${p.journal}, ${p.work}, ${p.name}, ${p.due}, ${p.body})
        on conflict (user_id, timer_id) do update set due = excluded.due, body = excluded.body`,
      inboxContent('journal', `=${timerSender}`),
    ),
    setDue: compile<TimerKey & { due: number }>(
      (p) => sql`insert into timers_due (user_id, timer_id, due) values (${p.user}, ${p.timer}, ${p.due})
        on conflict (user_id, timer_id) do update set due = excluded.due`,
    ),
    shift: compile<Shift>((p) => sql`update timers set due = due + ${p.ms} where ${shifted(p)}`),
    shiftDue: compile<Shift>((p) => sql`update timers_due set due = due + ${p.ms} where ${shifted(p)}`),
    clear: compile<TimerKey>((p) => sql`delete from timers where user_id = ${p.user} and timer_id = ${p.timer}`),
    clearDue: compile<TimerKey>((p) => sql`delete from timers_due where user_id = ${p.user} and timer_id = ${p.timer}`),
    first: compile<{ limit: number }>(
      (p) => sql`select user_id, timer_id, due from timers_due order by due limit ${p.limit}`,
    ),
    /** A run that has ended has no row of work, so its due timers are dropped. */
    arrive: compile<Due>(
      (p) => sql`insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
        select ${p.shard}, t.user_id, t.work_journal, '', null, 1, 1, 1 ${unread(p)}
          and (not ${ofRun('t.work_journal')}
            or exists (select 1 from work o where o.user_id = t.user_id and o.journal_id = t.work_journal))
        on conflict (user_id, journal_id) do update set arrivals = work.arrivals + 1, woken = 1,
          due_at = case when ${ofRun('work.journal_id')} then 0 end
        returning ${arrivalColumns(sql`(select journal_id from timers where user_id = ${p.user} and timer_id = ${p.timer})`)}`,
    ),
    deliver: compile<Due>(
      (p) => sql`insert into inbox (user_id, journal_id, id, from_id, name, body)
        select t.user_id, t.journal_id, w.arrivals, ${timerSender}, t.name, t.body
        from timers t join work w on w.user_id = t.user_id and w.journal_id = t.work_journal
        where ${isUnread(p)}`,
    ),
    remove: compile<Due>(
      (p) => sql`delete from timers where user_id = ${p.user} and timer_id = ${p.timer} and due <= ${p.now}`,
    ),
    removeDue: compile<Due>(
      (p) => sql`delete from timers_due where user_id = ${p.user} and timer_id = ${p.timer} and due <= ${p.now}`,
    ),
  }
}

type TimerStatements = ReturnType<typeof compileStatements>

export interface TimersOptions {
  readonly storage: Storage
  readonly clock: Clock
  /** Spreads the reads of processes that share the storage. */
  readonly random?: Random
}

/** @example const timers = createTimers({ storage, clock }); timers.start() */
export function createTimers(options: TimersOptions): Timers {
  checkPorts('createTimers', options, ['storage', 'clock'])
  const { storage, clock, random } = options
  const statements = compileStatements(storage)
  const timerKey = (user: string, journal: string, name: string): TimerKey => ({
    user,
    timer: hashText(`${journal}\n${name}`).slice(0, 32),
  })
  const task = new PeriodicTask({
    name: 'timers',
    clock,
    random,
    intervalMs: maxPollMs,
    run: () => deliverDue(options, statements).catch(() => pauseMs),
  })
  const isSoon = (due: number) => due - clock.now() < soonMs
  let stopHints: (() => void) | undefined
  return {
    set(user, journal, name, due, body): Fragment {
      const at = timerKey(user, journal, name)
      // A time between two milliseconds has passed at the next.
      const dueMs = Math.ceil(due)
      const timer = {
        ...at,
        journal,
        work: workJournal(journal),
        name,
        due: dueMs,
        body: encodeJson(body, `The timer ${name}`),
      }
      const rows = { statements: [statements.set(timer), statements.setDue({ ...at, due: dueMs })] }
      if (isSoon(dueMs)) return { ...rows, wake: ['timers'] }
      task.keepAlive()
      return rows
    },
    clear(user, journal, name): Fragment {
      const at = timerKey(user, journal, name)
      return { statements: [statements.clear(at), statements.clearDue(at)] }
    },
    shift(user, journal, names, ms): Fragment {
      const timers = JSON.stringify(names.map((name) => timerKey(user, journal, name).timer))
      const at = { user, timers, ms: Math.ceil(ms) }
      return { statements: [statements.shift(at), statements.shiftDue(at)], wake: ['timers'] }
    },
    isSoon,
    start() {
      stopHints ??= storage.onHint((hint) => {
        if ('missed' in hint || ('work' in hint && hint.work === 'timers')) void task.trigger()
      })
      void task.trigger()
    },
    stop() {
      stopHints?.()
      return task.close()
    },
  }
}

function delivery(statements: TimerStatements, at: TimerKey): readonly Statement[] {
  const due = { ...at, shard: shardOf(at.user), now: { $: 'now' } as const }
  return [
    statements.arrive(due, { returns: true, hints: true }),
    statements.deliver(due),
    statements.remove(due),
    statements.removeDue(due),
  ]
}

/** @returns the time in ms to the next timer; undefined if there is none */
async function deliverDue({ storage, clock }: TimersOptions, statements: TimerStatements): Promise<number | undefined> {
  const [rows] = await storage.read({ work: true }, [statements.first({ limit: batch }, { returns: true })])
  const now = clock.now()
  const due = (rows ?? []).filter((row) => Number(row.due) <= now)
  const results = await Promise.all(
    due.map((row) => {
      const at = { user: row.user_id as string, timer: row.timer_id as string }
      return storage.commit({ id: null, scope: { user: at.user }, statements: delivery(statements, at) })
    }),
  )
  // The clock of a server may be behind that of this process: a timer that is due here may not be due there.
  const serverClockIsBehind =
    storage.dialect.name === 'postgres' && !results.some((result) => result.ok && result.affected.at(-1))
  if (due.length > 0) return serverClockIsBehind ? clockRetryMs : 0
  return rows?.[0] ? Math.max(1, Number(rows[0].due) - now) : undefined
}
