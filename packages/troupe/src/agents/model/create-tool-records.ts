/** Stores the outcomes of tool calls: one row for each tool of an agent, updated in the change of the turn. */
import { sql } from 'kysely'
import { type Dialect, type Storage, templates } from '../../storage/index.ts'
import type { ToolRecords, ToolStatistics } from '../services-port.ts'

export function createToolRecords({ storage }: { readonly storage: Pick<Storage, 'dialect' | 'read'> }): ToolRecords {
  const queries = compile(storage.dialect)
  return {
    async read(user, agent) {
      const [rows] = await storage.read({ user }, [queries.all({ user, agent }, { returns: true })])
      return new Map(
        (rows ?? []).map((row) => [
          String(row.tool),
          {
            offers: Number(row.offers),
            calls: Number(row.calls),
            successes: Number(row.successes),
            durationMs: Number(row.duration_ms),
          },
        ]),
      )
    },
    add: (user, agent, tool, more) => ({ statements: [queries.add({ user, agent, tool, ...more })] }),
  }
}

type Row = ToolStatistics & { readonly user: string; readonly agent: string; readonly tool: string }

function compile(dialect: Dialect) {
  const statement = templates(dialect)
  return {
    all: statement<{ user: string; agent: string }>(
      (p) => sql`select tool, offers, calls, successes, duration_ms from tool_statistics
        where user_id = ${p.user} and agent = ${p.agent}`,
    ),
    add: statement<Row>(
      (p) =>
        sql`insert into tool_statistics (user_id, agent, tool, offers, calls, successes, duration_ms)
          values (${p.user}, ${p.agent}, ${p.tool}, ${p.offers}, ${p.calls}, ${p.successes}, ${p.durationMs})
          on conflict (user_id, agent, tool) do update set offers = tool_statistics.offers + excluded.offers,
            calls = tool_statistics.calls + excluded.calls, successes = tool_statistics.successes + excluded.successes,
            duration_ms = tool_statistics.duration_ms + excluded.duration_ms`,
    ),
  }
}
