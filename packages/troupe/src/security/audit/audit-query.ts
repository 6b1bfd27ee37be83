/** The query of a list of audit records. */
import { checkOptions, decodeCursor, invalidInput, type UserId } from '../../core/index.ts'
import type { ListFilter } from './audit-statements.ts'

/** The records that a list contains. A record must match every field that is given. */
export interface AuditQuery {
  /** The user; without it, all users and the records of the troupe as a whole. */
  readonly user?: UserId
  /** The exact actor. */
  readonly actor?: string
  /** The exact operation. */
  readonly operation?: string
  /**
   * The exact resource. With hashed keys, the key of an entry is found by its name if `operation` ends in `_context`.
   */
  readonly resource?: string
  /** Only allowed (true) or only refused (false) actions. */
  readonly allowed?: boolean
  /** The earliest time, as ISO text or a Date. */
  readonly from?: string | Date
  /** The time before which records are listed, as ISO text or a Date. */
  readonly to?: string | Date
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number
  /** The `cursor` of the previous page; the first page by default. */
  readonly cursor?: string
}

/** @throws ValidationError `option.unknown`, `validation.failed`, `cursor.invalid` */
export function readAuditQuery(query: AuditQuery): ListFilter {
  checkOptions('audit.list', query, [
    'user',
    'actor',
    'operation',
    'resource',
    'allowed',
    'from',
    'to',
    'limit',
    'cursor',
  ])
  const { user, actor, operation, resource, allowed, limit = 100, cursor } = query
  for (const [name, value] of Object.entries({ user, actor, operation, resource }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw invalidInput(name, 'it must be a text that is not empty')
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw invalidInput('limit', 'it must be a whole number from 1 to 1,000')
  if (allowed !== undefined && typeof allowed !== 'boolean') throw invalidInput('allowed', 'it must be true or false')
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
  throw invalidInput(name, 'it must be a Date or the ISO text of one')
}
