/** Stores the outcomes of tool calls: one row for each tool of an agent, updated in the change of the turn. */
import { sql } from 'kysely'
import { type Dialect, rawTemplates, type Storage, template } from '../../storage/index.ts'
import type { AgentsTables } from '../agents-migrations.ts'
import type { ToolRecords } from '../services-port.ts'

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

type Row = {
  user: string
  agent: string
  tool: string
  offers: number
  calls: number
  successes: number
  durationMs: number
}

function compile(dialect: Dialect) {
  return {
    all: template<AgentsTables, { user: string; agent: string }>(dialect, (db, p) =>
      db
        .selectFrom('tool_statistics')
        .select(['tool', 'offers', 'calls', 'successes', 'duration_ms'])
        .where('user_id', '=', p.user)
        .where('agent', '=', p.agent),
    ),
    add: rawTemplates(dialect)<Row>(
      (p) =>
        sql`insert into tool_statistics (user_id, agent, tool, offers, calls, successes, duration_ms)
          values (${p.user}, ${p.agent}, ${p.tool}, ${p.offers}, ${p.calls}, ${p.successes}, ${p.durationMs})
          on conflict (user_id, agent, tool) do update set offers = tool_statistics.offers + excluded.offers,
            calls = tool_statistics.calls + excluded.calls, successes = tool_statistics.successes + excluded.successes,
            duration_ms = tool_statistics.duration_ms + excluded.duration_ms`,
    ),
  }
}
