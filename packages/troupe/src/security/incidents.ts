/**
 * Incidents: refused actions, recorded without any payload: an event for observers and a row for whoever looks later.
 * Recording never fails and never delays the refusal itself.
 */
import { type Clock, type Events, failure, type Ids, TroupeError, type UserId } from '../core/index.ts'
import type { Migration, Storage } from '../storage/index.ts'

export interface Incident {
  readonly id: string
  readonly at: number
  readonly agent: string
  /** The tool or method refused. */
  readonly action: string
  readonly code: string
}

export interface Incidents {
  record(userId: UserId, incident: Omit<Incident, 'id' | 'at'>): void
  /** Records what was thrown where it is a refusal of rights; anything else passes. */
  refused(userId: UserId, agent: string, action: string, thrown: unknown): void
  /** The newest first. */
  list(userId: UserId, options?: { readonly limit?: number }): Promise<readonly Incident[]>
  /** Waits until what was recorded is stored. */
  settled(): Promise<void>
}

export const securityMigrations: readonly Migration[] = [
  {
    room: 'security',
    version: 1,
    name: 'incidents',
    lowestReader: 1,
    up: {
      sqlite: [
        `create table security_incidents (user_id text not null, id text not null, at integer not null, agent text not null,
          action text not null, code text not null, primary key (user_id, id)) without rowid`,
      ],
      postgres: [
        `create table security_incidents (user_id text not null, id text collate "C" not null, at bigint not null,
          agent text not null, action text not null, code text not null, primary key (user_id, id))`,
      ],
    },
  },
]

interface Tables {
  security_incidents: { user_id: string; id: string; at: number; agent: string; action: string; code: string }
}

/** @param parts.keep so many rows per user; 1,000 by default */
export function createIncidents(parts: {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly keep?: number
}): Incidents {
  const { storage, clock, ids, events, keep = 1_000 } = parts
  const db = storage.dialect.builder<Tables>()
  const compiled = (query: { compile(): { readonly sql: string; readonly parameters: readonly unknown[] } }) => {
    const { sql, parameters } = query.compile()
    return { sql, binds: parameters as readonly (string | number)[] }
  }
  const store = async (userId: UserId, incident: Incident) => {
    const old = db.selectFrom('security_incidents').select('id').where('user_id', '=', userId)
    await storage.commit({
      id: null,
      scope: { user: userId },
      statements: [
        compiled(db.insertInto('security_incidents').values({ user_id: userId, ...incident })),
        compiled(
          db
            .deleteFrom('security_incidents')
            .where('user_id', '=', userId)
            .where('id', '<=', (expression) =>
              expression.selectFrom(old.orderBy('id', 'desc').limit(1).offset(keep).as('o')).select('o.id'),
            ),
        ),
      ],
    })
  }
  const open = new Set<Promise<void>>()
  const record: Incidents['record'] = (userId, { agent, action, code }) => {
    const incident = { id: ids.next(), at: clock.now(), agent, action, code }
    events.emit({ type: 'incident.recorded', at: incident.at, userId, agent, action, code })
    const done = store(userId, incident).catch((error: unknown) => {
      const problem = error instanceof TroupeError ? error.code : 'unknown'
      events.emit({ type: 'incident.lost', at: clock.now(), userId, code: problem })
    })
    open.add(done)
    void done.then(() => open.delete(done))
  }
  return {
    record,
    refused(userId, agent, action, thrown) {
      if (isRefusal(thrown)) record(userId, { agent, action, code: thrown.code })
    },
    async list(userId, { limit = 100 } = {}) {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
        throw failure('validation.failed', { what: 'The limit', problem: 'it is 1 to 1,000' })
      const query = db
        .selectFrom('security_incidents')
        .select(['id', 'at', 'agent', 'action', 'code'])
        .where('user_id', '=', userId)
      const [rows = []] = await storage.read({ user: userId }, [
        { ...compiled(query.orderBy('id', 'desc').limit(limit)), returns: true },
      ])
      return rows.map((row) => ({
        id: String(row.id),
        at: Number(row.at),
        agent: String(row.agent),
        action: String(row.action),
        code: String(row.code),
      }))
    },
    settled: async () => void (await Promise.all(open)),
  }
}

const isRefusal = (thrown: unknown): thrown is TroupeError => thrown instanceof TroupeError && thrown.status === 403
