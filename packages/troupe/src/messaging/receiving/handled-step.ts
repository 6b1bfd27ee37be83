/** The step in which messages are handled, and the retention of its journal after a failure. */
import { hashText } from '../../core/index.ts'
import { deadForMs } from '../statements/cleanup-statements.ts'

/** One attempt of a message. `failures` is the number of rejections and redrives before it. */
export interface DeliveryAttempt {
  readonly id: string
  readonly failures: number
}

export const attemptNames = (attempts: readonly DeliveryAttempt[]): readonly string[] =>
  attempts.map(({ id, failures }) => `${id}#${failures}`)

/** Returns the name of the step; for a batch it is derived from the names of all attempts in their order. */
export function handledStep(attempts: readonly DeliveryAttempt[]): string {
  const names = attemptNames(attempts)
  return `${prefix}${names.length === 1 ? names[0] : hashText(names.join(' '))}`
}

const prefix = 'message:'

export const isHandledStep = (step: string): boolean => step.startsWith(prefix)

/** Returns the attempt that a step handles; undefined for the step of a batch. */
export function attemptOfStep(step: string): DeliveryAttempt | undefined {
  const found = /^message:(.+)#(\d+)$/s.exec(step)
  return found ? { id: found[1] as string, failures: Number(found[2]) } : undefined
}

/** The next attempt uses the effects of the failed one, also after a redrive of its dead letter. */
export const failedRetentionMs = (retentionMs: number): number => Math.max(retentionMs, deadForMs)

/** The reason of a dead letter whose last attempt was interrupted: a redrive may repeat its effects. */
export const perhapsDone = 'what its handler had begun may have been done'

interface Handled {
  readonly message: { readonly id: string }
  readonly failures: number
}
export const attemptsOf = (deliveries: readonly Handled[]): readonly DeliveryAttempt[] =>
  deliveries.map(({ message, failures }) => ({ id: message.id, failures }))
/** Returns the step of deliveries that are handled together. */
export const stepOf = (deliveries: readonly Handled[]) => handledStep(attemptsOf(deliveries))
