/** The statements for messages that wait for batch handlers: messages without a batch, and interrupted batches. */
import { sql } from 'kysely'
import type { Dialect, Statement, Template } from '../../storage/index.ts'
import { compilerOf, storageNow, type Values } from './compile.ts'
import { fits, type MessageFilter, shapeOf, valuesOf } from './fits.ts'

type Types = Pick<MessageFilter, 'types' | 'except'>

const alive = sql`m.state = 'ready' and (m.expires_at is null or m.expires_at > ${storageNow})`
const of = (p: Values) => sql`m.user_id = ${p.user} and m.mailbox = ${p.mailbox}`
const present = sql`cast(${storageNow} as bigint)`

const gathering = (dialect: Dialect, wanted: MessageFilter) =>
  compilerOf(dialect)(
    (p) => sql`select count(*) as count, min(created_at) as first, ${present} as now from (
      select created_at from messages m where ${of(p)} and m.state = 'ready' ${fits(dialect, p, wanted, 'm')}
        limit ${p.limit}) waiting`,
  )

/** A lane can be claimed when its lease and its pause have ended. */
const freeAt = sql`case when l.token is not null and l.lease_until > l.not_before then l.lease_until else l.not_before end`

const handed = (dialect: Dialect, wanted: MessageFilter) =>
  compilerOf(dialect)(
    (p) => sql`select m.batch, min(${freeAt}) as first, max(${freeAt}) as last, ${present} as now
      from messages m cross join mailbox_lanes l where l.user_id = m.user_id and l.mailbox = m.mailbox and l.lane = m.lane
      and ${of(p)} and m.batch > '' and m.failures = 0 and ${alive} ${fits(dialect, p, wanted, 'm')}
      group by m.batch order by min(m.due) limit 100`,
  )

const members = (dialect: Dialect, wanted: MessageFilter) =>
  compilerOf(dialect)(
    (
      p,
    ) => sql`select m.id, m.failures, m.attempts from messages m where ${of(p)} and ${alive} ${fits(dialect, p, wanted, 'm')}
      order by m.due, m.seq limit 1001`,
  )

export function batchStatements(dialect: Dialect) {
  const made = new Map<string, Template<Values>>()
  const once = (
    name: string,
    build: (dialect: Dialect, wanted: MessageFilter) => Template<Values>,
    wanted: MessageFilter,
  ) => {
    const key = `${name} ${shapeOf(wanted)}`
    const template = made.get(key) ?? build(dialect, wanted)
    made.set(key, template)
    return template
  }
  return {
    /** Counts the waiting messages that are in no batch, up to a limit, with the time of the first one. */
    gathered(user: string, mailbox: string, types: Types, limit: number): Statement {
      const wanted = { ...types, batch: null }
      return once('gathered', gathering, wanted)({ user, mailbox, limit, ...valuesOf(wanted) })
    },
    /** Finds interrupted batches, with the times at which the first and the last lane of each can be claimed. */
    handed: (user: string, mailbox: string, types: Types): Statement =>
      once('handed', handed, types)({ user, mailbox, ...valuesOf(types) }),
    /** Returns the remaining messages of a batch in their order. */
    members(user: string, mailbox: string, types: Types, batch: string): Statement {
      const wanted = { ...types, batch }
      return once('members', members, wanted)({ user, mailbox, ...valuesOf(wanted) })
    },
  }
}
