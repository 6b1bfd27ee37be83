/** Returns dead letters to their mailboxes, each at the end of its lane and at attempt 1. */
import { failure } from '../../core/index.ts'
import type { Fragment, Row } from '../../storage/index.ts'
import { commitRejection, type MessagingContext } from '../messaging-context.ts'
import { type Maintenance, toMove } from './maintenance.ts'

/** @throws NotFoundError `message.unknown`, CapacityError `mailbox.full` */
export async function redriveDeadLetter(
  messaging: MessagingContext,
  maintenance: Maintenance,
  { user, mailbox, id }: { readonly user: string; readonly mailbox: string; readonly id: string },
): Promise<void> {
  const [row] = await messaging.read(user, messaging.mailboxReads.one({ user, mailbox, id }))
  if (row?.state !== 'dead') throw failure('message.unknown', { what: 'dead letter', message: id, mailbox })
  await commitRedrive(messaging, maintenance, user, [row])
}

/**
 * Redrives the dead letters together with other statements, or changes nothing.
 * @throws NotFoundError `message.unknown` if one of them is no dead letter any more; CapacityError `mailbox.full`
 */
export async function commitRedrive(
  messaging: MessagingContext,
  maintenance: Maintenance,
  user: string,
  rows: readonly Row[],
  also: Fragment = { statements: [] },
): Promise<void> {
  const letters = rows.map((row) => ({ id: String(row.id), to: String(row.mailbox), messageType: String(row.type) }))
  const moves = rows.map(toMove).flatMap((move) => {
    const detail = { what: 'dead letter', message: move.id, mailbox: move.mailbox }
    return messaging.move.redrive(move, { expect: { rows: 1 }, otherwise: 'message.unknown', detail })
  })
  const commit = () =>
    messaging.commit(user, [...also.statements, ...moves], null, [
      ...new Set([...(also.wake ?? []), 'mailboxes' as const]),
    ])
  let result = await commit()
  if (!result.ok && result.code === 'mailbox.full') {
    for (const { to } of letters) await maintenance.reclaimCapacity(user, to)
    result = await commit()
  }
  if (!result.ok) throw commitRejection(result)
  for (const { id, to, messageType } of letters) {
    messaging.arrivals.notify(user, to)
    messaging.emit('message.redriven', user, { id, to, messageType })
  }
}
