/** Resolves uncertain effects of handlers. Their messages are dead letters. */
import { failure } from '../../core/index.ts'
import type { JournalId, RecordedEffect, Resolution, Steps } from '../../journal/index.ts'
import type { AuditTrail } from '../../security/index.ts'
import type { Row } from '../../storage/index.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { batchOf, releasedBatch } from './batch-membership.ts'
import { attemptOfStep, handledStep, isHandledStep } from './handled-step.ts'
import type { Maintenance } from './maintenance.ts'
import { isKeyed } from './previous-attempts.ts'
import { commitRedrive } from './redrive-dead-letter.ts'

export interface HandledEffectParts {
  readonly messaging: MessagingContext
  readonly maintenance: Maintenance
  readonly steps: Pick<Steps, 'effects' | 'resolve' | 'resolveEnded' | 'uncertain'>
  readonly audit?: AuditTrail
}

/** A message that was handled in a step. */
export interface HandledMessage {
  readonly id: string
  readonly mailbox: string
  readonly type: string
}

/** Returns the messages that were handled in a step and are still stored; several for a batch. */
export const handledMessages = async (
  messaging: MessagingContext,
  user: string,
  step: JournalId,
): Promise<readonly HandledMessage[]> =>
  (await rowsOf(messaging, user, step)).map(({ id, mailbox, type }) => ({
    id: String(id),
    mailbox: String(mailbox),
    type: String(type),
  }))

async function rowsOf(messaging: MessagingContext, user: string, step: JournalId): Promise<readonly Row[]> {
  const attempt = attemptOfStep(step)
  const { ofId, ofBatch } = messaging.mailboxReads
  const statement = attempt
    ? ofId({ user, id: attempt.id })
    : ofBatch({ user, batch: step, released: releasedBatch({ step }) })
  return messaging.read(user, statement)
}

/**
 * Records the outcome of an effect of a handler, and redrives the dead letters of the step once no other effect of it is
 * uncertain. A redrive uses the outcomes of effects that have a `key`. If an `at-most-once` effect without a key has happened,
 * the redrive would repeat it, so the message stays a dead letter.
 * @throws ConflictError `effect.resolved` for an effect that is not uncertain; CapacityError `mailbox.full`; ValidationError
 */
export async function resolveHandledEffect(
  { messaging, maintenance, steps, audit }: HandledEffectParts,
  user: string,
  { step, call }: { readonly step: JournalId; readonly call: string },
  resolution: Resolution,
): Promise<void> {
  if (!isHandledStep(step)) throw failure('effect.resolved', { effect: call, step })
  const ended = await steps.resolveEnded(user, step, call, resolution)
  const resolved = ended ?? steps.resolve(user, step, call, resolution)
  const rows = await rowsOf(messaging, user, step)
  const entry = { actor: 'host', operation: 'message.resolve', resource: String(rows[0]?.mailbox ?? step) }
  const statements = [...resolved.statements, ...(audit?.written(user, entry) ?? [])]
  const isLast = (await steps.uncertain.list(user)).every((other) => other.step !== step || other.call === call)
  const happened = (effect: RecordedEffect) =>
    effect.call === call ? resolution.happened : effect.state === 'done' && effect.class === 'at-most-once'
  const repeats = (await steps.effects(user, step)).some((effect) => happened(effect) && !isKeyed(effect))
  // A step that has not ended continues when its message is delivered.
  const dead = ended && isLast && !repeats ? rows.filter((row) => row.state === 'dead' && isStepOf(row, step)) : []
  await commitRedrive(messaging, maintenance, user, dead, { ...resolved, statements })
  messaging.emit('approval.closed', user, { approval: step })
}

/** Whether the step was the last attempt of the message. */
const isStepOf = (row: Row, step: JournalId): boolean => {
  const failures = Number(row.failures)
  return handledStep([{ id: String(row.id), failures }]) === step || (failures === 0 && batchOf(row)?.step === step)
}
