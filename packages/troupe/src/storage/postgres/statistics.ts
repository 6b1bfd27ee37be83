/**
 * The server plans with statistics, which autovacuum collects about a minute after a table has grown, or never if it is
 * off. Until then the planner cannot tell which index is better. A process that makes tables grow therefore runs
 * ANALYZE, if its role may: after a few hundred transactions, and then whenever their number has doubled.
 */
import type { Connections } from './connections/connections.ts'

/** The number of changed rows, in addition to a fifth of the table, after which a table is analysed. */
const few = 100

const grownTables = `select format('%I.%I', n.nspname, c.relname) as name
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid join pg_namespace n on n.oid = c.relnamespace
  where s.schemaname = $1 and s.n_mod_since_analyze > $2 + s.n_live_tup / 5 and pg_has_role(c.relowner, 'usage')`

export class Statistics {
  readonly #connections: Connections
  readonly #schema: string
  #taking: Promise<void> | undefined

  constructor(connections: Connections, schema: string) {
    this.#connections = connections
    this.#schema = schema
  }

  /** Starts collecting without waiting. A failed collection is repeated at the next doubling. */
  collect(): void {
    this.#taking ??= this.#collect()
      .catch(() => {})
      .finally(() => {
        this.#taking = undefined
      })
  }

  async stop(): Promise<void> {
    await this.#taking
  }

  async #collect(): Promise<void> {
    const { rows } = await this.#connections.ask(grownTables, [this.#schema, few])
    for (const { name } of rows as readonly { readonly name: string }[])
      await this.#connections.ask(`analyze ${name}`, [])
  }
}
