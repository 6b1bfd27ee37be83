/**
 * Reserves tokens and cost of one run tree before each call, by a statement in the change of the claim, from any process. Two
 * concurrent calls cannot both take the last amount. The reservation of a call with unknown outcome stays charged. A run without
 * limits has no row and no overhead.
 */
import { sql } from 'kysely'
import type { Budget } from '../../../agents/index.ts'
import type { UserId } from '../../../core/index.ts'
import type { ClaimRows } from '../../../journal/index.ts'
import { type Dialect, type Statement, type Storage, templates } from '../../../storage/index.ts'

export type BudgetLimits = {
  readonly tokens?: number
  /** US dollars. */
  readonly cost?: number
}
interface Amount {
  readonly tokens: number
  readonly cost: number
}
interface Key {
  readonly user: string
  readonly run: string
}

export interface RunBudgets {
  /** Returns the statement that creates the row, for the change that starts the run. */
  open(user: UserId, run: string, limits: BudgetLimits, used?: Amount): readonly Statement[]
  /**
   * Returns undefined if nothing limits the tokens or the cost of the run.
   * @param above the runs above this one, whose budgets it also uses
   */
  of(
    user: UserId,
    run: string,
    limits: BudgetLimits,
    above?: readonly ({ readonly run: string } & BudgetLimits)[],
  ): Budget | undefined
}

const isLimited = (limits: BudgetLimits) => limits.tokens !== undefined || limits.cost !== undefined

export function createRunBudgets(storage: Pick<Storage, 'dialect' | 'read'>): RunBudgets {
  const { insert, reserveTokens, reserveCost, add, drawn } = compileStatements(storage.dialect)
  return {
    open: (user, run, limits, { tokens, cost } = { tokens: 0, cost: 0 }) =>
      isLimited(limits)
        ? [insert({ user, run, tokens, cost, tokenLimit: limits.tokens ?? null, costLimit: limits.cost ?? null })]
        : [],
    of(user, self, own, above = []) {
      const all = [{ run: self, ...own }, ...above]
      if (!all.some(isLimited)) return undefined
      const reserved = new Map<string, Amount>()
      const rejected = (run: string, budget: 'tokens' | 'cost', limit: number, needed: number) =>
        ({
          expect: { rows: 1 },
          otherwise: 'budget.exceeded',
          detail: { run, budget, limit, needed, used: limit, others: `, and the next call needs ${needed}` },
        }) as const
      const added = (amount: Amount) => ({
        statements: all.flatMap((limits) => {
          const tokens = limits.tokens === undefined ? 0 : amount.tokens
          const cost = limits.cost === undefined ? 0 : amount.cost
          return tokens === 0 && cost === 0 ? [] : [add({ user, run: limits.run, tokens, cost })]
        }),
      })
      const explain: ClaimRows['explain'] = async (detail) => {
        const { run, budget } = detail
        if (budget !== 'tokens' && budget !== 'cost') return detail
        const [[row] = []] = await storage.read({ user }, [drawn({ user, run: String(run) }, { returns: true })])
        return { ...detail, used: Number(row?.[budget]) }
      }
      return {
        reserve(id, estimate) {
          reserved.set(id, estimate)
          const statements: Statement[] = []
          for (const { run, tokens, cost } of all) {
            if (tokens !== undefined)
              statements.push(
                reserveTokens({ user, run, amount: estimate.tokens }, rejected(run, 'tokens', tokens, estimate.tokens)),
              )
            if (cost !== undefined)
              statements.push(
                reserveCost({ user, run, amount: estimate.cost }, rejected(run, 'cost', cost, estimate.cost)),
              )
          }
          return { statements, explain }
        },
        tokensLeft() {
          const limited = all.filter(({ tokens }) => tokens !== undefined)
          if (limited.length === 0) return undefined
          const reads = limited.map(({ run }) => drawn({ user, run }, { returns: true }))
          return storage
            .read({ user }, reads)
            .then((rows) =>
              Math.min(...rows.flat().map(({ tokens, token_limit: limit }) => Number(limit) - Number(tokens))),
            )
        },
        spend: added,
        charge(id, used) {
          const estimate = reserved.get(id) ?? used
          reserved.delete(id)
          return added({ tokens: used.tokens - estimate.tokens, cost: used.cost - estimate.cost })
        },
      }
    },
  }
}

function compileStatements(dialect: Dialect) {
  const compile = templates(dialect)
  const ofRun = (p: Key) => sql`user_id = ${p.user} and run_id = ${p.run}`
  return {
    insert: compile<Key & Amount & { tokenLimit: number | null; costLimit: number | null }>(
      (p) => sql`insert into budgets (user_id, run_id, tokens, token_limit, cost, cost_limit)
        values (${p.user}, ${p.run}, ${p.tokens}, ${p.tokenLimit}, ${p.cost}, ${p.costLimit})`,
    ),
    reserveTokens: compile<Key & { amount: number }>(
      (p) => sql`update budgets set tokens = tokens + ${p.amount}
        where ${ofRun(p)} and tokens + ${p.amount} <= token_limit`,
    ),
    reserveCost: compile<Key & { amount: number }>(
      (p) => sql`update budgets set cost = cost + ${p.amount} where ${ofRun(p)} and cost + ${p.amount} <= cost_limit`,
    ),
    drawn: compile<Key>((p) => sql`select tokens, cost, token_limit from budgets where ${ofRun(p)}`),
    add: compile<Key & Amount>(
      (p) => sql`update budgets set tokens = tokens + ${p.tokens}, cost = cost + ${p.cost} where ${ofRun(p)}`,
    ),
  }
}
