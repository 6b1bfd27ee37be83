/** The statements that end a delivery or remove a message from its lane: ack, nack, dead letter, expiry, drop. */
import { sql } from 'kysely'
import type { Now, Statement } from '../../storage/index.ts'
import { type Compile, storageNow, type Values } from './compile.ts'

/** The location of a message. */
export interface MessageLocation {
  readonly user: string
  readonly mailbox: string
  readonly seq: number
  readonly id: string
  readonly lane: string
  readonly bytes: number
}
/** One delivery of it. */
export interface MessageLease extends MessageLocation {
  readonly token: string
  /** The numbers of the first and last message that were delivered with it from its lane. */
  readonly batchFrom: number
  readonly batchTo: number
}
export type End = 'done' | 'dead'

/** The condition that the message and its lane have the token of the lease. */
const byToken = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox} and seq = ${p.seq}
  and id = ${p.id} and state = 'ready'
  and token = ${p.token} and exists (select 1 from mailbox_lanes l where l.user_id = ${p.user}
    and l.mailbox = ${p.mailbox} and l.lane = ${p.lane} and l.token = ${p.token})`
const ofLane = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox} and lane = ${p.lane}`
const inLane = (p: Values) =>
  sql`x.user_id = ${p.user} and x.mailbox = ${p.mailbox} and x.lane = ${p.lane} and x.state = 'ready'`

const messageStatements = (compile: Compile) => ({
  endLeased: compile(
    (p) => sql`update messages set state = ${p.end}, token = null, ended_at = ${storageNow}, reason = ${p.reason},
      read_at = case when ${p.end} = 'done' then coalesce(read_at, ${storageNow}) else read_at end where ${byToken(p)}`,
  ),
  isLeased: compile((p) => sql`select id from messages where ${byToken(p)}`),
  requeue: compile(
    (p) => sql`update messages set token = null, reason = ${p.reason}, failures = failures + 1 where ${byToken(p)}`,
  ),
  mark: compile((p) => sql`update messages set batch = ${p.batch} where ${byToken(p)}`),
  /** Ends a message; has no effect while the message is leased. */
  endFree: compile(
    (p) => sql`update messages set state = ${p.end}, token = null, ended_at = ${storageNow}, reason = ${p.reason}
      where user_id = ${p.user} and mailbox = ${p.mailbox} and seq = ${p.seq} and id = ${p.id}
        and state in ('ready', 'scheduled')
        and not exists (select 1 from mailbox_lanes l where l.user_id = ${p.user} and l.mailbox = ${p.mailbox}
          and l.lane = ${p.lane} and l.token = messages.token and l.lease_until > ${storageNow})`,
  ),
  /** Returns later deliveries of the batch to the lane; they do not count as attempts. */
  successors: compile(
    (p) => sql`update messages set token = null, attempts = attempts - 1 where ${ofLane(p)} and state = 'ready'
      and seq > ${p.seq} and seq <= ${p.batchTo} and token = ${p.token}`,
  ),
})

/** A column of the next message of the lane; 0 without a search if the lane has only one message. */
const ofNext = (p: Values, column: 'seq' | 'due') => sql`case when depth <= 1 then 0 else coalesce((
  select x.${sql.raw(column)} from messages x where ${inLane(p)} order by x.seq limit 1), 0) end`
const newHead = (p: Values) => sql`head_seq = ${ofNext(p, 'seq')}, head_due = ${ofNext(p, 'due')}`
const stillLeased = (p: Values) => sql`leased = (select count(*) from messages x
  where ${inLane(p)} and x.seq >= ${p.batchFrom} and x.seq < ${p.seq} and x.token = ${p.token})`

const laneStatements = (compile: Compile) => ({
  leave: compile((p) => sql`update mailbox_lanes set depth = depth - 1, ${newHead(p)} where ${ofLane(p)}`),
  leaveLeased: compile(
    (p) => sql`update mailbox_lanes set depth = depth - 1, leased = leased - 1, ${newHead(p)},
      token = case when leased <= 1 then null else token end, lease_until = case when leased <= 1 then 0 else lease_until end
      where ${ofLane(p)}`,
  ),
  dropEmpty: compile((p) => sql`delete from mailbox_lanes where ${ofLane(p)} and depth = 0`),
  delay: compile(
    (p) => sql`update mailbox_lanes set not_before = ${p.notBefore}, ${stillLeased(p)} where ${ofLane(p)}`,
  ),
  recount: compile((p) => sql`update mailbox_lanes set ${stillLeased(p)} where ${ofLane(p)}`),
  release: compile(
    (p) => sql`update mailbox_lanes set token = null, lease_until = 0
      where ${ofLane(p)} and token = ${p.token} and leased = 0`,
  ),
  renew: compile(
    (p) => sql`update mailbox_lanes set lease_until = ${p.until} where ${ofLane(p)} and token = ${p.token}
      and exists (select 1 from messages x where x.user_id = ${p.user} and x.mailbox = ${p.mailbox} and x.seq = ${p.seq}
        and x.token = ${p.token} and x.state = 'ready')`,
  ),
  /** Frees the capacity of one message. */
  leaveMailbox: compile(
    (p) => sql`update mailboxes set count = count - 1, bytes = bytes - ${p.bytes}
      where user_id = ${p.user} and mailbox = ${p.mailbox}`,
  ),
})

export function deliveryStatements(compile: Compile) {
  const message = messageStatements(compile)
  const lane = laneStatements(compile)
  const orLeaseLost = (id: string) =>
    ({ expect: { rows: 1 }, otherwise: 'lease.lost', detail: { message: id } }) as const
  /** Deletes the lane of an unordered message, which has only this message. */
  const dropSolo = (values: Values): Statement[] =>
    String(values.lane).startsWith('solo:') ? [lane.dropEmpty(values)] : []
  const successors = (lease: MessageLease): Statement[] =>
    lease.batchTo > lease.seq ? [message.successors({ ...lease })] : []
  return {
    ack(lease: MessageLease): Statement[] {
      const values: Values = { ...lease, end: 'done', reason: null }
      return [
        message.endLeased(values, orLeaseLost(lease.id)),
        lane.leaveLeased(values),
        lane.leaveMailbox(values),
        ...dropSolo(values),
      ]
    },
    nack(lease: MessageLease, notBefore: Now, reason: string | null): Statement[] {
      const values: Values = { ...lease, reason, notBefore }
      return [
        message.requeue(values, orLeaseLost(lease.id)),
        ...successors(lease),
        lane.delay(values),
        lane.release(values),
      ]
    },
    /** Makes the message a dead letter, and returns later deliveries of the batch to the lane. */
    deadLetter(lease: MessageLease, reason: string): Statement[] {
      const values: Values = { ...lease, end: 'dead', reason }
      return [
        message.endLeased(values, orLeaseLost(lease.id)),
        lane.leave(values),
        lane.leaveMailbox(values),
        ...successors(lease),
        lane.recount(values),
        lane.release(values),
        ...dropSolo(values),
      ]
    },
    /** Removes an unleased message that has expired, was dropped or has no attempts left. Expects that it is present. */
    remove(location: MessageLocation, end: End, reason: string | null, scheduled: boolean): Statement[] {
      const values: Values = { ...location, end, reason }
      const leave = scheduled ? [] : [lane.leave(values), ...dropSolo(values)]
      return [message.endFree(values, { expect: { rows: 1 } }), ...leave, lane.leaveMailbox(values)]
    },
    /** Changes nothing, and is rejected if the lease has ended. */
    isLeased(lease: MessageLease): Statement {
      return message.isLeased({ ...lease }, orLeaseLost(lease.id))
    },
    /** Says in which batch it is handled. */
    mark(lease: MessageLease, batch: string): Statement {
      return message.mark({ ...lease, batch }, orLeaseLost(lease.id))
    },
    renew(lease: MessageLease, until: Now): Statement[] {
      return [lane.renew({ ...lease, until }, orLeaseLost(lease.id))]
    },
  }
}
