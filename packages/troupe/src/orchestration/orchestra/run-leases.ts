/**
 * Which process carries on which run, where several share a database: a content-free row per run with its owner and until
 * when it counts. A lease only says who may try; that two write one journal is made impossible by the journal's epoch.
 *
 * Invariant: a run is taken over only under a lease of its own process.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Cancel, type Clock, failure, TroupeError, type UserId } from '../../core/index.ts'
import type { Inbox, Journals } from '../../durable/index.ts'
import { type Bind, type Statement, type Storage, template } from '../../storage/index.ts'
import { ownerOf, runJournal } from './run-journals.ts'

export interface RunLeases {
  /** The same journals and inboxes, for the orchestra alone: runs begin, end and are taken over under a lease. */
  guard(parts: { readonly journals: Journals; readonly inbox: Inbox }): {
    readonly journals: Journals
    readonly inbox: Inbox
  }
  /** Looks each second for runs that move and are nobody's. @param take rejects where this process can't */
  start(take: (user: UserId, run: string) => Promise<unknown>): void
  /** Gives all back, so that others need not wait for their end. */
  close(): Promise<void>
}

export interface RunLeasesParts {
  readonly storage: Storage
  readonly clock: Clock
  /** Of this process, and of no other ever. */
  readonly node: string
  readonly leaseMs: number
}

type Key = { readonly user: string; readonly run: string }

const lookMs = 1_000
const page = 100
/** A run whose code is not here is not looked at again for so long. */
const passedOverMs = 30_000

/** @example const leases = createRunLeases({ storage, clock, node, leaseMs: 10_000 }) */
export function createRunLeases(parts: RunLeasesParts): RunLeases {
  const { storage, clock, node, leaseMs } = parts
  const table = compileStatements(storage)
  const until = { $: 'now', plusMs: leaseMs } as const
  const now = { $: 'now' } as const
  const take = (user: string, run: string): Statement =>
    table.take({ user, run, node, until, now }, { expect: { rows: 1 }, otherwise: 'run.elsewhere', detail: { run } })
  const commit = (user: UserId, statement: Statement) =>
    storage.commit({ id: null, scope: { user }, statements: [statement] })
  const release = async (user: UserId, run: string) => {
    await commit(user, table.giveBack({ user, run, node })).catch(() => {})
  }
  const holder = async (user: UserId, run: string): Promise<{ readonly until: number } | undefined> => {
    const [rows] = await storage.read({ work: true }, [table.held({ user, run, node, now }, { returns: true })])
    return rows?.[0] && { until: Number(rows[0].remaining) }
  }
  const guardJournals = (journals: Journals): Journals => ({
    ...bound(journals),
    create(user, id, kind, at, bodies, options) {
      const created = journals.create(user, id, kind, at, bodies, options)
      const run = runOf(id)
      if (run === undefined) return created
      const { fragment } = created
      return { ...created, fragment: { ...fragment, statements: [...fragment.statements, take(user, run)] } }
    },
    close(user, id) {
      const fragment = journals.close(user, id)
      const run = runOf(id)
      if (run === undefined) return fragment
      return { ...fragment, statements: [...fragment.statements, table.end({ user, run })] }
    },
    async takeOver(user, id, at) {
      const run = runOf(id)
      if (run === undefined) return journals.takeOver(user, id, at)
      const taken = await commit(user, take(user, run))
      if (!taken.ok) throw failure(taken.code, { run })
      try {
        return await journals.takeOver(user, id, at)
      } catch (error) {
        await release(user, run)
        throw error
      }
    },
  })
  const watch = createWatch(parts, table)
  return {
    guard: ({ journals, inbox }) => ({
      journals: guardJournals(journals),
      inbox: { ...inbox, onArrival: (listener) => inbox.onArrival(heardByHolder(clock, holder, listener)) },
    }),
    ...watch,
  }
}

const runOf = (journal: string): string | undefined =>
  journal.startsWith(runJournal('')) ? ownerOf(journal)?.run : undefined

/** The methods of a class, for a copy of it. */
const bound = (journals: Journals): Journals => ({
  create: (...given) => journals.create(...given),
  load: (...given) => journals.load(...given),
  read: (...given) => journals.read(...given),
  takeOver: (...given) => journals.takeOver(...given),
  fence: (...given) => journals.fence(...given),
  close: (...given) => journals.close(...given),
  sweep: (...given) => journals.sweep(...given),
})

/** What comes for another's run is its business, unless it dies: looked at again when its lease has run out. */
function heardByHolder(
  clock: Clock,
  holder: (user: UserId, run: string) => Promise<{ readonly until: number } | undefined>,
  listener: Parameters<Inbox['onArrival']>[0],
): Parameters<Inbox['onArrival']>[0] {
  return (user, journal) => {
    const run = runOf(journal)
    if (run === undefined) return listener(user, journal)
    void holder(user, run).then(
      (held) => {
        if (!held) return listener(user, journal)
        const again = () =>
          void holder(user, run).then(
            (still) => still === undefined && listener(user, journal),
            () => {},
          )
        clock.after(held.until + lookMs, again, { background: true })
      },
      () => listener(user, journal),
    )
  }
}

function createWatch(
  { storage, clock, node, leaseMs }: RunLeasesParts,
  table: ReturnType<typeof compileStatements>,
): Pick<RunLeases, 'start' | 'close'> {
  const passedOver = new Map<string, number>()
  const until = { $: 'now', plusMs: leaseMs } as const
  const work = (statement: Statement) =>
    storage.commit({ id: null, scope: { work: true }, statements: [statement] }).catch(() => {})
  let after: Key = { user: '', run: '' }
  let cancels: Cancel[] = []
  let closed = false
  let under: Promise<unknown> = Promise.resolve()
  const each = (ms: number, run: () => Promise<unknown>) => {
    const again = () => {
      if (closed) return
      cancels = [
        ...cancels.slice(-8),
        clock.after(
          ms,
          () => {
            const done = run().catch(() => {})
            under = Promise.all([under, done])
            void done.then(again)
          },
          { background: true },
        ),
      ]
    }
    again()
  }
  const look = async (take: (user: UserId, run: string) => Promise<unknown>) => {
    const [rows = []] = await storage.read({ work: true }, [
      table.free({ ...after, now: { $: 'now' }, limit: page }, { returns: true }),
    ])
    const last = rows.at(-1)
    after =
      rows.length === page && last ? { user: String(last.user_id), run: String(last.run_id) } : { user: '', run: '' }
    for (const row of rows) {
      const [user, run] = [String(row.user_id), String(row.run_id)]
      const key = JSON.stringify([user, run])
      if (closed || (passedOver.get(key) ?? 0) > clock.monotonic()) continue
      await take(user as UserId, run).catch((error: unknown) => {
        if (passedOver.size > 10_000) passedOver.clear()
        if (!(error instanceof TroupeError && error.code === 'run.elsewhere'))
          passedOver.set(key, clock.monotonic() + passedOverMs)
      })
    }
  }
  return {
    start(take) {
      each(leaseMs / 3, () => work(table.renew({ node, until })))
      void look(take).catch(() => {})
      each(lookMs, () => look(take))
    },
    async close() {
      closed = true
      for (const cancel of cancels) cancel()
      await under
      await work(table.giveAllBack({ node }))
    },
  }
}

function compileStatements(storage: Storage) {
  const { dialect } = storage
  const compile = <Values extends { [K in keyof Values]: Bind }>(build: (p: Values) => RawBuilder<unknown>) =>
    template<unknown, Values>(dialect, (db, p) => ({ compile: () => build(p).compile(db) }))
  return {
    take: compile<Key & { node: string; until: Bind; now: Bind }>(
      (p) => sql`insert into run_leases (user_id, run_id, owner, lease_until)
        values (${p.user}, ${p.run}, ${p.node}, ${p.until})
        on conflict (user_id, run_id) do update set owner = excluded.owner, lease_until = excluded.lease_until
        where run_leases.owner = excluded.owner or run_leases.lease_until <= ${p.now}`,
    ),
    held: compile<Key & { node: string; now: Bind }>(
      (p) => sql`select lease_until - ${p.now} as remaining from run_leases
        where user_id = ${p.user} and run_id = ${p.run} and owner <> ${p.node} and lease_until > ${p.now}`,
    ),
    renew: compile<{ node: string; until: Bind }>(
      (p) => sql`update run_leases set lease_until = ${p.until} where owner = ${p.node}`,
    ),
    giveBack: compile<Key & { node: string }>(
      (p) => sql`delete from run_leases where user_id = ${p.user} and run_id = ${p.run} and owner = ${p.node}`,
    ),
    giveAllBack: compile<{ node: string }>((p) => sql`delete from run_leases where owner = ${p.node}`),
    end: compile<Key>((p) => sql`delete from run_leases where user_id = ${p.user} and run_id = ${p.run}`),
    free: compile<Key & { now: Bind; limit: number }>(
      (p) => sql`select w.user_id, w.run_id from run_work w
        left join run_leases l on l.user_id = w.user_id and l.run_id = w.run_id
        where w.moving = 1 and (w.user_id, w.run_id) > (${p.user}, ${p.run})
          and (l.lease_until is null or l.lease_until <= ${p.now})
        order by w.user_id, w.run_id limit ${p.limit}`,
    ),
  }
}
