/** The lists of a mailbox: what its owner sees, filtered, by age or by priority. */
import { sql } from 'kysely'
import type { Dialect, Statement, Template } from '../../storage/index.ts'
import { compilerOf, ofMailbox, storageNow, type Values } from './compile.ts'
import { fits, valuesOf } from './fits.ts'

export interface Filter {
  readonly unread: boolean
  readonly from?: string
  readonly thread?: string
  readonly type?: string
  readonly priority?: string
  readonly order: 'oldest' | 'priority'
  /** The position of the last message of the previous page: its rank, or 0 for the order by age, and its number. */
  readonly after: { readonly rank: number; readonly seq: number }
  readonly limit: number
}

/** 0 is the most urgent. */
export const rankOf = (priority: string) => Math.max(0, ['urgent', 'high', 'normal', 'low'].indexOf(priority))
const rank = sql`case priority when 'urgent' then 0 when 'high' then 1 when 'normal' then 2 else 3 end`

const visible = sql`(state = 'ready' or (state = 'scheduled' and available_at <= ${storageNow})
  or (state = 'done' and reason is null)) and (state = 'done' or expires_at is null or expires_at > ${storageNow})`
const matching = (
  dialect: Dialect,
  p: Values,
  { unread, from, thread, type, priority }: Filter,
) => sql`${ofMailbox(p)} and ${visible}
  ${unread ? sql`and read_at is null` : sql``} ${from === undefined ? sql`` : sql`and sender = ${p.from}`}
  ${thread === undefined ? sql`` : sql`and thread_id = ${p.thread}`} ${type === undefined ? sql`` : fits(dialect, p, { types: [type], except: [] }, 'messages')}
  ${priority === undefined ? sql`` : sql`and priority = ${p.priority}`}`
const page = (dialect: Dialect, filter: Filter) => (p: Values) =>
  filter.order === 'oldest'
    ? sql`select * from messages where ${matching(dialect, p, filter)} and seq > ${p.seq} order by seq limit ${p.limit}`
    : sql`select * from messages where ${matching(dialect, p, filter)} and (${rank} > ${p.rank} or (${rank} = ${p.rank} and seq > ${p.seq}))
        order by ${rank}, seq limit ${p.limit}`
const total = (dialect: Dialect, filter: Filter) => (p: Values) =>
  sql`select count(*) as count from messages where ${matching(dialect, p, filter)}`

export function listStatements(dialect: Dialect) {
  const made = new Map<string, Template<Values>>()
  const filtered = (kind: 'page' | 'total', filter: Filter) => {
    const { unread, from, thread, type, priority, order } = filter
    const key = JSON.stringify([
      kind,
      unread,
      ...[from, thread, type, priority].map((value) => value === undefined),
      order,
    ])
    const template =
      made.get(key) ?? compilerOf(dialect)(kind === 'page' ? page(dialect, filter) : total(dialect, filter))
    made.set(key, template)
    return template
  }
  const bound = (user: string, mailbox: string, filter: Filter): Values => {
    const { from = null, thread = null, type, priority = null, after, limit } = filter
    const typed = valuesOf({ types: type === undefined ? [] : [type], except: [] })
    return { user, mailbox, from, thread, priority, ...typed, ...after, limit }
  }
  return {
    list: (user: string, mailbox: string, filter: Filter): Statement =>
      filtered('page', filter)(bound(user, mailbox, filter)),
    total: (user: string, mailbox: string, filter: Filter): Statement =>
      filtered('total', filter)(bound(user, mailbox, filter)),
  }
}
