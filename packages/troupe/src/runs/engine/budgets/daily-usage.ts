/**
 * The usage of a user on one day (UTC) by all runs, sessions and evaluations, against `limits.user.perDay`. Runs and tokens are
 * reserved by statements in the change that needs them, so that concurrent calls of several processes cannot take the same last
 * amount. Without such limits nothing is written.
 */
import { sql } from 'kysely'
import type { Budget } from '../../../agents/index.ts'
import { type Clock, checkOptions, invalidInput, type Json, type UserId } from '../../../core/index.ts'
import { type Row, type Statement, type Storage, templates } from '../../../storage/index.ts'

/** The limits of one user for one day (UTC), over all runs, sessions and evaluations. */
export interface DailyLimits {
  /** Runs that are started, forked, retried or evaluated; child runs do not count. */
  readonly runs?: number
  /** Input and output tokens of all model calls. */
  readonly tokens?: number
  /** US dollars. */
  readonly cost?: number
}

interface Amount {
  readonly tokens: number
  readonly cost: number
}

/** A reserved part of the day's limits. */
export interface DailyShare {
  readonly share: Partial<Amount>
  /** Returns the unused amount. */
  release(used: Amount): Promise<void>
}

export interface DailyUsage {
  /** Counts a run in the change that starts it: rejected with `budget.exceeded` if the day allows no more. */
  startRun(user: UserId): readonly Statement[]
  /** Reserves and charges the usage of model calls. */
  budget(user: UserId): Budget
  /**
   * Reserves a run and its usage.
   * @param wanted the requested amounts; an equal part of the remaining amounts by default
   * @param among the number of runs that share the remaining amounts
   * @returns undefined if nothing is left
   */
  reserve(user: UserId, wanted: Partial<Amount>, among: number): Promise<DailyShare | undefined>
}

export const dailyUsageTable = `create table daily_usage (
    user_id text not null, day text not null, runs bigint not null default 0, tokens bigint not null default 0,
    cost double precision not null default 0, primary key (user_id, day))`

const names = ['runs', 'tokens', 'cost'] as const
type Resource = (typeof names)[number]
/** The first row of a new day deletes the rows of past days. */
const retainedDays = 31
const dayMs = 86_400_000

/** @throws ValidationError naming the option that is unknown or out of its bounds */
export function checkDailyLimits(limits: DailyLimits): void {
  const where = 'limits.user.perDay'
  checkOptions(where, limits, names)
  for (const name of names) {
    const value: unknown = limits[name]
    if (value === undefined) continue
    const isWhole = name === 'cost' || Number.isSafeInteger(value)
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || !isWhole)
      throw invalidInput(`${where}.${name}`, `it must be a ${name === 'cost' ? '' : 'whole '}number of at least 0`)
  }
}

/** @returns undefined if there are no limits */
export function createDailyUsage(
  { storage, clock }: { readonly storage: Pick<Storage, 'dialect' | 'read' | 'commit'>; readonly clock: Clock },
  limits: DailyLimits,
): DailyUsage | undefined {
  const limited = names.filter((name) => limits[name] !== undefined)
  if (limited.length === 0) return undefined
  const queries = compile(storage.dialect)
  const usedOn = async (user: UserId, day: string) =>
    usedIn(await storage.read({ user }, [queries.used({ user, day }, { returns: true })]))
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  const today = () => dayOf(clock.now())
  const begin = (user: UserId, day: string): readonly Statement[] => [
    queries.begin({ user, day }),
    queries.cleanup({ user, day: dayOf(clock.now() - retainedDays * dayMs) }),
  ]
  const take = (user: UserId, day: string, amounts: { readonly [name in Resource]?: number }): readonly Statement[] => [
    ...begin(user, day),
    ...names.flatMap((name) => {
      const [amount = 0, limit = Number.MAX_SAFE_INTEGER] = [amounts[name], limits[name]]
      if (amount === 0) return []
      return [queries.take[name]({ user, day, amount, limit }, within(name, amount, limit))]
    }),
  ]
  const add = (user: UserId, day: string, { tokens, cost }: Amount): readonly Statement[] =>
    tokens === 0 && cost === 0 ? [] : [queries.add({ user, day, tokens, cost })]
  /** Returns the remaining amount of each limited resource. */
  const left = async (user: UserId): Promise<{ readonly [name in Resource]?: number }> => {
    const used = await usedOn(user, today())
    return Object.fromEntries(limited.map((name) => [name, (limits[name] ?? 0) - used(name)]))
  }
  const commit = async (user: UserId, statements: readonly Statement[]) =>
    storage.commit({ id: null, scope: { user }, statements })
  return {
    startRun: (user) => take(user, today(), { runs: 1 }),
    budget(user) {
      const reserved = new Map<string, Amount & { readonly day: string }>()
      return {
        reserve(id, amount) {
          const day = today()
          reserved.set(id, { ...amount, day })
          const statements = take(user, day, { tokens: amount.tokens, cost: amount.cost })
          return {
            statements,
            explain: async (detail) => withUsed(detail, await usedOn(user, day)),
          }
        },
        tokensLeft: () => (limits.tokens === undefined ? undefined : left(user).then(({ tokens = 0 }) => tokens)),
        spend(used) {
          const day = today()
          const added = add(user, day, used)
          return { statements: added.length === 0 ? [] : [...begin(user, day), ...added] }
        },
        charge(id, used) {
          // A call of another process stays charged at its reservation.
          const before = reserved.get(id) ?? { ...used, day: today() }
          reserved.delete(id)
          const more = { tokens: used.tokens - before.tokens, cost: used.cost - before.cost }
          return { statements: add(user, before.day, more) }
        },
      }
    },
    async reserve(user, wanted, among) {
      const day = today()
      const { tokens, cost } = await left(user)
      const share = {
        ...least('tokens', wanted.tokens, tokens === undefined ? undefined : Math.floor(tokens / among)),
        ...least('cost', wanted.cost, cost === undefined ? undefined : cost / among),
      }
      if (Object.values(share).some((part) => part <= 0)) return undefined
      const { ok } = await commit(user, take(user, day, { runs: 1, ...share }))
      if (!ok) return undefined
      const release = async (used: Amount) => {
        const { tokens: heldTokens = 0, cost: heldCost = 0 } = share
        await commit(user, add(user, day, { tokens: used.tokens - heldTokens, cost: used.cost - heldCost }))
      }
      return { share, release }
    },
  }
}

/** The expectation of a reservation, with the details of its rejection. */
const within = (name: Resource, amount: number, limit: number) => {
  const others = name === 'runs' ? '' : `, and the next call needs ${amount}`
  const detail = { budget: `${name} per day`, limit, used: limit, others }
  return { expect: { rows: 1 }, otherwise: 'budget.exceeded', detail } as const
}

type Used = (name: Resource) => number

const usedIn =
  ([rows = []]: readonly (readonly Row[])[]): Used =>
  (name) =>
    Number(rows[0]?.[name] ?? 0)

/** Returns the details of a rejection by a daily limit with the used amount; others as they are. */
function withUsed(detail: { readonly [key: string]: Json }, used: Used): { readonly [key: string]: Json } {
  const name = names.find((each) => detail.budget === `${each} per day`)
  return name ? { ...detail, used: used(name) } : detail
}

const least = (name: keyof Amount, ...amounts: readonly (number | undefined)[]): Partial<Amount> => {
  const named = amounts.filter((amount) => amount !== undefined)
  return named.length === 0 ? {} : { [name]: Math.min(...named) }
}

/** Reserves and charges in both budgets: a call continues only if both allow it. */
export function withDailyBudget(own: Budget | undefined, daily: Budget | undefined): Budget | undefined {
  if (!own || !daily) return own ?? daily
  const both = [own, daily]
  return {
    reserve(id, estimate) {
      const rows = both.map((each) => each.reserve(id, estimate))
      return {
        statements: rows.flatMap(({ statements }) => statements),
        explain: (detail) =>
          rows.reduce(async (known, { explain }) => explain?.(await known) ?? known, Promise.resolve(detail)),
      }
    },
    spend: (used) => ({ statements: both.flatMap((each) => each.spend(used).statements) }),
    charge: (id, used) => ({ statements: both.flatMap((each) => each.charge(id, used).statements) }),
    tokensLeft() {
      const left = both.flatMap((each) => each.tokensLeft() ?? [])
      return left.length === 0 ? undefined : Promise.all(left).then((amounts) => Math.min(...amounts))
    },
  }
}

type Day = { readonly user: string; readonly day: string }

function compile(dialect: Storage['dialect']) {
  const own = templates(dialect)
  const take = (name: Resource) =>
    own<Day & { amount: number; limit: number }>(
      (p) => sql`update daily_usage set ${sql.ref(name)} = ${sql.ref(name)} + ${p.amount}
        where user_id = ${p.user} and day = ${p.day} and ${sql.ref(name)} + ${p.amount} <= ${p.limit}`,
    )
  return {
    begin: own<Day>(
      (p) => sql`insert into daily_usage (user_id, day) values (${p.user}, ${p.day}) on conflict do nothing`,
    ),
    cleanup: own<Day>((p) => sql`delete from daily_usage where user_id = ${p.user} and day < ${p.day}`),
    take: { runs: take('runs'), tokens: take('tokens'), cost: take('cost') },
    add: own<Day & Amount>(
      (p) => sql`update daily_usage set tokens = tokens + ${p.tokens}, cost = cost + ${p.cost}
        where user_id = ${p.user} and day = ${p.day}`,
    ),
    used: own<Day>((p) => sql`select runs, tokens, cost from daily_usage where user_id = ${p.user} and day = ${p.day}`),
  }
}
