/** The tables and statements of shared budgets. */
import { sql } from 'kysely'
import { type Dialect, templates } from '../../../storage/index.ts'

export const sharedBudgetTables: readonly string[] = [
  `create table budget_pools (
    user_id text not null, run_id text not null, members bigint not null default 0,
    steps bigint not null, step_limit bigint, hops bigint not null, hop_limit bigint,
    branches bigint not null, branch_limit bigint, reserved_from text, primary key (user_id, run_id))`,
  `create table budget_shares (
    user_id text not null, run_id text not null, step_pool text not null, hop_pool text not null,
    branch_pool text not null, steps bigint not null, hops bigint not null, branches bigint not null,
    used_steps bigint not null default 0, used_hops bigint not null default 0, waiting integer not null default 0,
    primary key (user_id, run_id))`,
]

interface Drawn {
  readonly steps: number
  readonly hops: number
  readonly branches: number
}
interface Key {
  readonly user: string
  readonly run: string
}
interface Pool {
  readonly user: string
  readonly pool: string
}

/** The names of a resource in its rows. For branches, the whole drawn amount counts as used while a run is open. */
const columns = {
  steps: { drawn: 'steps', limit: 'step_limit', pool: 'step_pool', used: 'used_steps' },
  hops: { drawn: 'hops', limit: 'hop_limit', pool: 'hop_pool', used: 'used_hops' },
  branches: { drawn: 'branches', limit: 'branch_limit', pool: 'branch_pool', used: undefined },
} as const

export const compileSharedBudget = (dialect: Dialect) => ({
  ...compileRows(dialect),
  take: perResource((names) => compileAmounts(dialect, names).take),
  add: perResource((names) => compileAmounts(dialect, names).add),
  release: perResource((names) => compileAmounts(dialect, names).release),
  pool: perResource((names) => compileReads(dialect, names).pool),
  reservations: perResource((names) => compileReads(dialect, names).reservations),
  holders: perResource((names) => compileReads(dialect, names).holders),
  moving: perResource((names) => compileReads(dialect, names).moving),
})

type Names = (typeof columns)[keyof typeof columns]
const perResource = <T>(make: (names: Names) => T) => ({
  steps: make(columns.steps),
  hops: make(columns.hops),
  branches: make(columns.branches),
})

type Opened = Key &
  Drawn & {
    stepLimit: number | null
    hopLimit: number | null
    branchLimit: number | null
    members: number
    from: string | null
  }

function compileRows(dialect: Dialect) {
  const own = templates(dialect)
  return {
    open: own<Opened>(
      (p) => sql`insert into budget_pools
        (user_id, run_id, members, steps, step_limit, hops, hop_limit, branches, branch_limit, reserved_from)
        values (${p.user}, ${p.run}, ${p.members}, ${p.steps}, ${p.stepLimit}, ${p.hops}, ${p.hopLimit}, ${p.branches},
          ${p.branchLimit}, ${p.from}) on conflict (user_id, run_id) do nothing`,
    ),
    join: own<Key & Drawn & { stepPool: string; hopPool: string; branchPool: string }>(
      (p) => sql`insert into budget_shares
        (user_id, run_id, step_pool, hop_pool, branch_pool, steps, hops, branches, used_steps, used_hops)
        values (${p.user}, ${p.run}, ${p.stepPool}, ${p.hopPool}, ${p.branchPool}, ${p.steps}, ${p.hops}, ${p.branches},
          ${p.steps}, ${p.hops}) on conflict (user_id, run_id) do nothing`,
    ),
    members: own<Pool & { by: number }>(
      (p) => sql`update budget_pools set members = members + ${p.by} where user_id = ${p.user} and run_id = ${p.pool}`,
    ),
    draw: own<Key & Drawn & { usedSteps: number; usedHops: number }>(
      (p) => sql`update budget_shares set steps = steps + ${p.steps}, hops = hops + ${p.hops},
        branches = branches + ${p.branches}, used_steps = ${p.usedSteps}, used_hops = ${p.usedHops}, waiting = 0
        where user_id = ${p.user} and run_id = ${p.run}`,
    ),
    wait: own<Key>((p) => sql`update budget_shares set waiting = 1 where user_id = ${p.user} and run_id = ${p.run}`),
    close: own<Key>(
      (p) => sql`update budget_pools set reserved_from = null where user_id = ${p.user} and run_id = ${p.run}`,
    ),
    leave: own<Key>((p) => sql`delete from budget_shares where user_id = ${p.user} and run_id = ${p.run}`),
    share: own<Key>(
      (p) => sql`select steps, hops, branches from budget_shares where user_id = ${p.user} and run_id = ${p.run}`,
    ),
  }
}

function compileAmounts(dialect: Dialect, names: Names) {
  const own = templates(dialect)
  const [drawn, limit] = [sql.ref(names.drawn), sql.ref(names.limit)]
  return {
    take: own<Pool & { amount: number }>(
      (p) => sql`update budget_pools set ${drawn} = ${drawn} + ${p.amount}
        where user_id = ${p.user} and run_id = ${p.pool} and ${drawn} + ${p.amount} <= ${limit}`,
    ),
    add: own<Pool & { amount: number }>(
      (p) => sql`update budget_pools set ${drawn} = ${drawn} + ${p.amount}
        where user_id = ${p.user} and run_id = ${p.pool}`,
    ),
    release: own<Key & { pool: string; used: number }>(
      (p) => sql`update budget_pools set ${drawn} = ${drawn} + ${p.used} - coalesce((select share.${drawn}
          from budget_shares share where share.user_id = ${p.user} and share.run_id = ${p.run}), ${p.used})
        where user_id = ${p.user} and run_id = ${p.pool}`,
    ),
  }
}

function compileReads(dialect: Dialect, names: Names) {
  const own = templates(dialect)
  const drawn = sql.ref(names.drawn)
  const held = names.used === undefined ? sql`share.${drawn}` : sql`share.${drawn} - share.${sql.ref(names.used)}`
  return {
    pool: own<Pool>(
      (p) => sql`select ${drawn} as drawn, ${sql.ref(names.limit)} as "limit", members from budget_pools
        where user_id = ${p.user} and run_id = ${p.pool}`,
    ),
    reservations: own<Pool>(
      (p) => sql`select pool.run_id, pool.${sql.ref(names.limit)} - pool.${drawn} as held, runs.status
        from budget_pools pool join runs on runs.user_id = pool.user_id and runs.run_id = pool.run_id
        where pool.user_id = ${p.user} and pool.reserved_from = ${p.pool} and pool.${sql.ref(names.limit)} > pool.${drawn}
        order by held desc, pool.run_id`,
    ),
    holders: own<Pool & { run: string }>(
      (p) => sql`select share.run_id, ${held} as held from budget_shares share
        where share.user_id = ${p.user} and share.${sql.ref(names.pool)} = ${p.pool} and share.run_id <> ${p.run}
          and ${held} > 0 order by held desc, share.run_id`,
    ),
    /** A run with an open child run moves only if that one does. */
    moving: own<Pool & { run: string }>(
      (p) => sql`select share.run_id
        from budget_shares share join runs on runs.user_id = share.user_id and runs.run_id = share.run_id
        where share.user_id = ${p.user} and share.${sql.ref(names.pool)} = ${p.pool} and share.run_id <> ${p.run}
          and share.waiting = 0 and runs.status = 'running' and runs.outside = 0
          and not exists (select 1 from run_labels label
            join runs child on child.user_id = label.user_id and child.run_id = label.run_id
            where label.user_id = share.user_id and label.kind = 'parent' and label.value = share.run_id
              and child.status in ('running', 'waiting'))
        limit 1`,
    ),
  }
}
