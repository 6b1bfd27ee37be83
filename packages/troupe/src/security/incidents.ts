/**
 * Incidents: refused actions, recorded without content as an event for observers and as a record of the audit log.
 * Recording never fails and never delays the refusal.
 */

import { type Events, TroupeError, type UserId } from '../core/index.ts'
import { type Migration, postgresTables } from '../storage/index.ts'
import { keysSchema, openedBySchema } from './api-keys/index.ts'
import { type AuditLog, auditSchema } from './audit/index.ts'
import { configSchema } from './config-record.ts'
import { encryptionSchema } from './encryption/encryption-tables.ts'
import { toolPinsSchema } from './pins/tool-pins.ts'
import { signaturesSchema } from './signatures/index.ts'

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
  /** Records a thrown error if it is a refusal of rights; other errors are ignored. */
  rejected(userId: UserId, agent: string, action: string, thrown: unknown): void
  /** The newest first. */
  list(userId: UserId, options?: { readonly limit?: number }): Promise<readonly Incident[]>
  /** Resolves when the incidents so far are stored. */
  flush(): Promise<void>
}

const tables = [
  `create table security_incidents (user_id text not null, id text not null, at integer not null, agent text not null,
    action text not null, code text not null, primary key (user_id, id)) without rowid`,
]

const schemas = [
  { sqlite: tables, postgres: postgresTables(tables) },
  signaturesSchema,
  encryptionSchema,
  keysSchema,
  auditSchema,
  toolPinsSchema,
  configSchema,
]

export const securityMigrations: readonly Migration[] = [
  {
    module: 'security',
    version: 1,
    name: 'incidents, revoked keys, encryption at rest, erasure, API keys, the audit log, pins of tools, the configuration',
    lowestReader: 1,
    up: { sqlite: schemas.flatMap(({ sqlite }) => sqlite), postgres: schemas.flatMap(({ postgres }) => postgres) },
  },
  { module: 'security', version: 2, name: 'sessions that end with their API key', lowestReader: 1, up: openedBySchema },
]

export function createIncidents({ audit, events }: { readonly audit: AuditLog; readonly events: Events }): Incidents {
  const record: Incidents['record'] = (userId, { agent, action, code }) => {
    const { at } = audit.rejected(userId, { actor: agent, operation: action }, code)
    events.emit({ type: 'incident.recorded', at, userId, agent, action, code })
  }
  return {
    record,
    rejected(userId, agent, action, thrown) {
      if (isRejection(thrown)) record(userId, { agent, action, code: thrown.code })
    },
    async list(userId, { limit = 100 } = {}) {
      const { items } = await audit.incidents({ user: userId, limit })
      return items.map(({ id, at, actor, operation, reason = '' }) => ({
        id,
        at,
        agent: actor,
        action: operation,
        code: reason,
      }))
    },
    flush: () => audit.flush(),
  }
}

const isRejection = (thrown: unknown): thrown is TroupeError => thrown instanceof TroupeError && thrown.status === 403
