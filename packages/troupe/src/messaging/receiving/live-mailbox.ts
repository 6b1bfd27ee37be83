/** `support.mailbox`: one agent's own mailbox, and no other. */
import {
  addStepTaint,
  checkCall,
  checkEntryKey,
  checkFlag,
  checkOptions,
  checkSignal,
  createPage,
  failure,
  fieldOf,
  invalidInput,
  listOf,
  messageWithId,
  type Page,
  show,
  storeError,
  type TroupeError,
} from '../../core/index.ts'
import type { Row, Statement } from '../../storage/index.ts'
import type {
  DeadLetter,
  Delivery,
  ListedMessage,
  Mailbox,
  MailboxCounts,
  MailboxFilter,
  ReceiveOptions,
} from '../mailbox.ts'
import type { Message } from '../message.ts'
import { checkMessageType, type MessageType, type PayloadOf, type ReplyOf } from '../message-type.ts'
import { commitRejection, type MessagingContext } from '../messaging-context.ts'
import { type Filter, rankOf } from '../statements/list-statements.ts'
import { confirmationOf } from './delivery-handle.ts'
import type { Maintenance } from './maintenance.ts'
import { isPriority, isUnreadable, readableOf, toMessage } from './message-row.ts'
import { type Receiver, wantedOf } from './receiver.ts'
import { redriveDeadLetter } from './redrive-dead-letter.ts'

const limitOf = (limit = 100): number => {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw invalidInput('limit', `it must be a whole number from 1 to 1,000, not ${show(limit)}`)
  return limit
}
const afterOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return 0
  if (typeof cursor !== 'string' || !/^\d{1,15}$/.test(cursor)) throw failure('cursor.invalid')
  return Number(cursor)
}

/** `12` by age, `2:12` by priority. */
function locationOf(cursor: string | undefined, order: 'oldest' | 'priority'): Filter['after'] {
  if (cursor === undefined) return { rank: 0, seq: 0 }
  const found = order === 'oldest' ? /^()(\d{1,15})$/.exec(cursor) : /^([0-3]):(\d{1,15})$/.exec(cursor)
  if (!found) throw failure('cursor.invalid')
  return { rank: Number(found[1]), seq: Number(found[2]) }
}

const filterOptions = [
  'unreadOnly',
  'from',
  'threadId',
  'type',
  'priority',
  'order',
  'limit',
  'cursor',
  'signal',
] as const

function filterOf(filter: MailboxFilter): Filter {
  checkOptions('messages', filter, filterOptions)
  checkSignal('messages', filter.signal)
  const { unreadOnly = false, from, threadId, type, priority, order = 'oldest' } = filter
  if (order !== 'oldest' && order !== 'priority')
    throw invalidInput('order', `it is ${show(order)}, neither oldest nor priority`)
  if (priority !== undefined && !isPriority(priority))
    throw invalidInput('priority', `it is ${show(priority)}, not one of urgent, high, normal, low`)
  if (type !== undefined && typeof type !== 'string') checkMessageType(type)
  return {
    unread: checkFlag('unreadOnly', unreadOnly),
    ...(from === undefined ? {} : { from: checkEntryKey(from) }),
    ...(threadId === undefined ? {} : { thread: checkEntryKey(threadId) }),
    ...(type === undefined ? {} : { type: checkEntryKey(typeof type === 'string' ? type : type.name) }),
    ...(priority === undefined ? {} : { priority }),
    order,
    after: locationOf(filter.cursor, order),
    limit: limitOf(filter.limit),
  }
}

/**
 * Creates a page. One row more than requested says whether there is a next page.
 * @param item returns undefined for a row that is not shown
 */
async function paged<T>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Promise<T | undefined>,
  next: (cursor: string) => Promise<Page<T>>,
  cursorOf = (row: Row) => String(row.seq),
): Promise<Page<T>> {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const items = (await Promise.all(page.map(item))).filter((one) => one !== undefined)
  return createPage(items, rows.length > limit && last ? cursorOf(last) : undefined, next)
}

export function liveMailbox(
  messaging: MessagingContext,
  receiver: Receiver,
  maintenance: Maintenance,
  user: string,
  mailbox: string,
): Mailbox {
  const messages = async (filter: MailboxFilter = {}): Promise<Page<ListedMessage>> => {
    const wanted = filterOf(filter)
    const captured = { ...filter }
    messaging.auditRead(user, mailbox)
    const rows = await messaging.read(
      user,
      messaging.mailboxReads.list(user, mailbox, { ...wanted, limit: wanted.limit + 1 }),
    )
    const unproven = await messaging.unproven(user, rows)
    const item = (row: Row) => toListed(messaging, maintenance, row, unproven.get(String(row.id)))
    const byRank = (row: Row) => `${rankOf(String(row.priority))}:${String(row.seq)}`
    const next = (cursor: string) => messages({ ...captured, cursor })
    return paged(rows, wanted.limit, item, next, wanted.order === 'priority' ? byRank : undefined)
  }
  const deadLetters = async (
    options: { readonly limit?: number; readonly cursor?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Page<DeadLetter>> => {
    checkOptions('deadLetters', options, ['limit', 'cursor', 'signal'])
    checkSignal('deadLetters', options.signal)
    const [captured, limit] = [{ ...options }, limitOf(options.limit)]
    const rows = await messaging.read(
      user,
      messaging.mailboxReads.dead({ user, mailbox, after: afterOf(captured.cursor), limit: limit + 1 }),
    )
    return paged(
      rows,
      limit,
      (row) => toDeadLetter(messaging, row),
      (cursor) => deadLetters({ ...captured, cursor }),
    )
  }
  return {
    receive: async <T extends MessageType | string>(options: ReceiveOptions<T> = {}) => {
      const wanted = wantedOf(options)
      messaging.auditRead(user, mailbox)
      // The receiver has parsed each payload by the schema of its type.
      const received: readonly unknown[] = noted(await receiver.receive(user, mailbox, wanted))
      return received as readonly Delivery<PayloadOf<T>, ReplyOf<T>>[]
    },
    messages,
    deadLetters,
    async total(filter = {}) {
      const [row] = await messaging.read(user, messaging.mailboxReads.total(user, mailbox, filterOf(filter)))
      return Number(row?.count ?? 0)
    },
    async markRead(ids, options = {}) {
      checkCall('markRead', options)
      const keys = new Set(listOf('The ids of markRead', ids).map((id) => checkEntryKey(id)))
      return marked(messaging, user, mailbox, keys)
    },
    async confirmRead(messages, options = {}) {
      checkCall('confirmRead', options)
      checkListed(messages)
      const unread = messages.filter(({ read, to }) => !read && to === mailbox)
      const asked = unread.filter(({ requiresConfirmation, from }) => requiresConfirmation && from !== mailbox)
      const confirmations = asked.flatMap((message) => confirmationOf(messaging, user, message))
      await marked(messaging, user, mailbox, new Set(unread.map(({ id }) => id)), confirmations)
      for (const { from } of asked) messaging.arrivals.notify(user, from)
      return asked.length
    },
    async counts(options = {}) {
      checkCall('counts', options)
      return mailboxCounts(messaging, user, mailbox)
    },
    async redrive(id, options = {}) {
      checkCall('redrive', options)
      await redriveDeadLetter(messaging, maintenance, { user, mailbox, id: checkEntryKey(id) })
    },
  }
}

/** @throws ValidationError */
function checkListed(messages: readonly ListedMessage[]): void {
  const what = 'The messages of confirmRead'
  for (const message of listOf(what, messages))
    if (typeof fieldOf(message, 'id') !== 'string') throw invalidInput(what, 'they must be listed messages')
}

async function mailboxCounts(messaging: MessagingContext, user: string, mailbox: string): Promise<MailboxCounts> {
  const [row] = await messaging.read(user, messaging.mailboxReads.counts({ user, mailbox }))
  const count = (name: string) => Number(row?.[name] ?? 0)
  const [leased, ready] = [count('leased'), count('ready') + count('arrived')]
  return {
    unread: ready - count('expired') - count('seen'),
    // An expired message that is leased counts as leased, so it must not reduce the number of waiting ones.
    waiting: Math.max(0, ready - leased - count('expired') + count('expired_leased')),
    leased,
    dead: count('dead'),
    scheduled: count('scheduled'),
  }
}

/** Marks messages as read and returns the number of unread ones among them. */
async function marked(
  messaging: MessagingContext,
  user: string,
  mailbox: string,
  ids: ReadonlySet<string>,
  also: readonly Statement[] = [],
): Promise<number> {
  if (ids.size === 0) return 0
  const marks = [...ids].map((id) => messaging.mailboxReads.markRead({ user, mailbox, id }))
  const wake = also.length > 0 ? (['mailboxes', 'outbox'] as const) : undefined
  const result = await messaging.commit(user, [...marks, ...also], null, wake)
  if (!result.ok) throw commitRejection(result)
  const found = result.affected.slice(0, marks.length).reduce((sum, affected) => sum + affected, 0)
  // A read message frees capacity for waiting senders in any process.
  if (found > 0) messaging.notifyCapacityFreed({ user, mailbox })
  return found
}

/**
 * Returns a listed message. One with an invalid signature, or that cannot be read, becomes a dead letter and is not
 * listed.
 */
async function toListed(
  messaging: MessagingContext,
  maintenance: Maintenance,
  row: Row,
  unproven: TroupeError | undefined,
): Promise<ListedMessage | undefined> {
  try {
    if (unproven) throw unproven
    const message = toMessage(row, await messaging.payloadOf(row))
    noteLiveMessage(message)
    return Object.freeze({ ...message, read: row.read_at !== null })
  } catch (error) {
    if (error !== unproven && !isUnreadable(error)) throw error
    return void (await maintenance.reject(row, messageWithId(storeError(error))))
  }
}

/** Returns the message of a dead letter without the fields that cannot be read. */
async function deadMessage(messaging: MessagingContext, row: Row): Promise<Message> {
  try {
    return toMessage(row, await messaging.payloadOf(row))
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return readableOf(row)
  }
}
async function toDeadLetter(messaging: MessagingContext, row: Row): Promise<DeadLetter> {
  const message = await deadMessage(messaging, row)
  // The reason may quote the content.
  noteLiveMessage(message)
  return Object.freeze({
    message,
    attempt: Number(row.attempts),
    reason: String(row.reason ?? 'unknown'),
    diedAt: new Date(Number(row.ended_at)).toISOString(),
  })
}

/** Code of a step that reads a mailbox past its `ctx` has the labels of the messages. */
const noteLiveMessage = ({ taint, id }: Message): void => addStepTaint(taint, `the message ${id}`)
function noted(deliveries: readonly Delivery[]): readonly Delivery[] {
  for (const { message } of deliveries) noteLiveMessage(message)
  return deliveries
}
