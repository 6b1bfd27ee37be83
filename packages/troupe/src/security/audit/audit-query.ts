/** What a list of records is asked for. */
import { checkOptions, decodeCursor, failure, type UserId } from '../../core/index.ts'
import type { ListFilter } from './audit-statements.ts'

export interface AuditQuery {
  /** All users, and what the troupe did as a whole, where absent. */
  readonly user?: UserId
  readonly actor?: string
  readonly operation?: string
  readonly resource?: string
  readonly allowed?: boolean
  /** ISO text or a Date; `to` itself is not part of it. */
  readonly from?: string | Date
  readonly to?: string | Date
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number
  readonly cursor?: string
}

export const auditQueryNames = ['user', 'actor', 'operation', 'resource', 'allowed', 'from', 'to', 'limit', 'cursor']

/** @throws ValidationError `option.unknown`, `validation.failed`, `cursor.invalid` */
export function readAuditQuery(query: AuditQuery): ListFilter {
  checkOptions('audit.list', query, auditQueryNames)
  const { user, actor, operation, resource, allowed, limit = 100, cursor } = query
  for (const [name, value] of Object.entries({ user, actor, operation, resource }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw failure('validation.failed', { what: name, problem: 'it must be a text that is not empty' })
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw failure('validation.failed', { what: 'limit', problem: 'it is 1 to 1,000' })
  if (allowed !== undefined && typeof allowed !== 'boolean')
    throw failure('validation.failed', { what: 'allowed', problem: 'it is true or false' })
  return {
    user,
    actor,
    operation,
    resource,
    allowed,
    from: timestampOf('from', query.from),
    to: timestampOf('to', query.to),
    before: cursor === undefined ? undefined : decodeCursor(cursor),
    limit,
  }
}

function timestampOf(name: string, at: string | Date | undefined): number | undefined {
  if (at === undefined) return undefined
  const found = at instanceof Date ? at.getTime() : Date.parse(String(at))
  if (Number.isFinite(found)) return found
  throw failure('validation.failed', { what: name, problem: 'it is a Date or the ISO text of one' })
}
