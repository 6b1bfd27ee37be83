/** The rows of runs: one per run for lists and results, one content-free while it is not over. */
import type { UserId } from '../../core/index.ts'
import { type Bind, type Dialect, type Row, type Statement, type Storage, template } from '../../storage/index.ts'
import type { OrchestrationTables } from './migrations.ts'
import type { Parent } from './parent.ts'

interface Key {
  readonly user: string
  readonly run: string
}
export interface RunRow {
  readonly run: string
  readonly status: string
  readonly reason: string | null
  readonly tags: readonly string[]
  readonly agents: readonly string[]
  readonly createdAt: number
  readonly endedAt: number | null
  /** JSON text. */
  readonly result: string | null
}
export interface StandingOf {
  readonly status: string
  readonly reason: string | null
  readonly over: boolean
  /** It goes on by itself when somebody opens the storage; paused and waiting runs do not. */
  readonly moving: boolean
  readonly result: string | null
}

export interface RunStore {
  /** Expects that the run is new. */
  insert(
    user: UserId,
    run: string,
    row: {
      readonly tags: readonly string[]
      readonly agents: readonly string[]
      readonly parent?: Parent | undefined
    },
  ): Statement[]
  /** Those that steps of other runs started and that are not over. */
  children(user: UserId): Promise<readonly { readonly run: string; readonly parent: Parent }[]>
  stand(user: UserId, run: string, standing: StandingOf): Statement[]
  get(user: UserId, run: string): Promise<RunRow | undefined>
  list(
    user: UserId,
    limit: number,
    before?: { readonly createdAt: number; readonly run: string },
  ): Promise<readonly RunRow[]>
  /** Over all users, those that go on by themselves, in pages by key. */
  moving(
    limit: number,
    after?: { readonly user: string; readonly run: string },
  ): Promise<readonly { readonly user: string; readonly run: string }[]>
}

const now = { $: 'now' } as const
const rowOf = (row: Row): RunRow => ({
  run: row.run_id as string,
  status: row.status as string,
  reason: row.reason as string | null,
  tags: JSON.parse(row.tags as string) as string[],
  agents: JSON.parse(row.agents as string) as string[],
  createdAt: Number(row.created_at),
  endedAt: row.ended_at === null || row.ended_at === undefined ? null : Number(row.ended_at),
  result: row.result as string | null,
})

export function createRunStore(storage: Storage): RunStore {
  const queries = compile(storage.dialect)
  return {
    insert: (user, run, { tags, agents, parent }) => [
      queries.insert(
        {
          user,
          run,
          tags: JSON.stringify(tags),
          agents: JSON.stringify(agents),
          parent: parent === undefined ? null : JSON.stringify(parent),
          now,
        },
        { expect: { rows: 1 }, otherwise: 'run.exists', detail: { run } },
      ),
      queries.work({ user, run, moving: 1 }),
    ],
    stand: (user, run, { status, reason, over, moving, result }) => [
      queries.update({ user, run, status, reason, result, now, ended: over ? now : null }),
      over ? queries.unwork({ user, run }) : queries.work({ user, run, moving: moving ? 1 : 0 }),
    ],
    async get(user, run) {
      const [rows] = await storage.read({ user }, [queries.get({ user, run }, { returns: true })])
      return rows?.[0] && rowOf(rows[0])
    },
    async children(user) {
      const [rows] = await storage.read({ user }, [queries.children({ user }, { returns: true })])
      return (rows ?? []).map((row) => ({
        run: row.run_id as string,
        parent: JSON.parse(row.parent as string) as Parent,
      }))
    },
    async list(user, limit, before) {
      const from = before ?? { createdAt: Number.MAX_SAFE_INTEGER, run: '' }
      const [rows] = await storage.read({ user }, [
        queries.list({ user, at: from.createdAt, run: from.run, limit }, { returns: true }),
      ])
      return (rows ?? []).map(rowOf)
    },
    async moving(limit, after) {
      const from = after ?? { user: '', run: '' }
      const [rows] = await storage.read({ work: true }, [queries.moving({ ...from, limit }, { returns: true })])
      return (rows ?? []).map((row) => ({ user: row.user_id as string, run: row.run_id as string }))
    },
  }
}

const ownOf =
  (dialect: Dialect) =>
  <Values extends { [K in keyof Values]: Bind }>(build: Parameters<typeof template<OrchestrationTables, Values>>[1]) =>
    template<OrchestrationTables, Values>(dialect, build)

const compile = (dialect: Dialect) => ({ ...compileWrites(dialect), ...compileReads(dialect) })

function compileWrites(dialect: Dialect) {
  const own = ownOf(dialect)
  return {
    insert: own<Key & { tags: string; agents: string; parent: string | null; now: Bind }>((db, p) =>
      db
        .insertInto('runs')
        .values({
          user_id: p.user,
          run_id: p.run,
          status: 'running',
          reason: null,
          tags: p.tags,
          agents: p.agents,
          parent: p.parent,
          created_at: p.now as number,
          updated_at: p.now as number,
          ended_at: null,
          result: null,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    update: own<Key & { status: string; reason: string | null; result: string | null; now: Bind; ended: Bind }>(
      (db, p) =>
        db
          .updateTable('runs')
          .set({
            status: p.status,
            reason: p.reason,
            result: p.result,
            updated_at: p.now as number,
            ended_at: p.ended as number,
          })
          .where('user_id', '=', p.user)
          .where('run_id', '=', p.run),
    ),
    work: own<Key & { moving: number }>((db, p) =>
      db
        .insertInto('run_work')
        .values({ user_id: p.user, run_id: p.run, moving: p.moving })
        .onConflict((conflict) => conflict.columns(['user_id', 'run_id']).doUpdateSet({ moving: p.moving })),
    ),
    unwork: own<Key>((db, p) => db.deleteFrom('run_work').where('user_id', '=', p.user).where('run_id', '=', p.run)),
  }
}

function compileReads(dialect: Dialect) {
  const own = ownOf(dialect)
  return {
    get: own<Key>((db, p) =>
      db.selectFrom('runs').selectAll().where('user_id', '=', p.user).where('run_id', '=', p.run),
    ),
    children: own<{ user: string }>((db, p) =>
      db
        .selectFrom('runs')
        .select(['run_id', 'parent'])
        .where('user_id', '=', p.user)
        .where('ended_at', 'is', null)
        .where('parent', 'is not', null)
        .orderBy('run_id'),
    ),
    list: own<{ user: string; at: number; run: string; limit: number }>((db, p) =>
      db
        .selectFrom('runs')
        .selectAll()
        .where('user_id', '=', p.user)
        .where((row) =>
          row.or([row('created_at', '<', p.at), row.and([row('created_at', '=', p.at), row('run_id', '<', p.run)])]),
        )
        .orderBy('created_at', 'desc')
        .orderBy('run_id', 'desc')
        .limit(p.limit),
    ),
    moving: own<Key & { limit: number }>((db, p) =>
      db
        .selectFrom('run_work')
        .select(['user_id', 'run_id'])
        .where('moving', '=', 1)
        .where((row) =>
          row.or([row('user_id', '>', p.user), row.and([row('user_id', '=', p.user), row('run_id', '>', p.run)])]),
        )
        .orderBy('user_id')
        .orderBy('run_id')
        .limit(p.limit),
    ),
  }
}
