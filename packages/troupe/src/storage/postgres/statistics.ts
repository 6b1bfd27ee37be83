/**
 * The server plans by statistics, which autovacuum takes a minute after a table has grown, or never where it is off. Until
 * then one index of a table is as good to it as another. So whoever makes a table grow has it looked at, where its login
 * may: the first time after a few hundred transactions, then each time they have doubled.
 */
import type { Connections } from './connections/connections.ts'

/** Rows that changed since the server looked, beside a fifth of the table. */
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

  /** Does not wait. What fails is tried again when as much again has happened. */
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
