/** The step in which messages are handled, and how long what it recorded is kept where it does not come to a good end. */
import { hashText } from '../../core/index.ts'
import { deadForMs } from '../statements/cleanup-statements.ts'

/** One try of a message. @param failures how often it was given back or redriven: each is another try */
export interface DeliveryAttempt {
  readonly id: string
  readonly failures: number
}

export const attemptNames = (attempts: readonly DeliveryAttempt[]): readonly string[] =>
  attempts.map(({ id, failures }) => `${id}#${failures}`)

/** Of several together: of the names of all, in their order. */
export function handledStep(attempts: readonly DeliveryAttempt[]): string {
  const names = attemptNames(attempts)
  return `message:${names.length === 1 ? names[0] : hashText(names.join(' '))}`
}

/** The next try is answered from it, also where that is one of a dead letter that was redriven. */
export const failedRetentionMs = (retentionMs: number): number => Math.max(retentionMs, deadForMs)

/** Of a message whose handling broke off at its last attempt: whoever redrives it does what it had begun again. */
export const perhapsDone = 'what its handler had begun may have been done'

interface Handled {
  readonly message: { readonly id: string }
  readonly failures: number
}
export const attemptsOf = (deliveries: readonly Handled[]): readonly DeliveryAttempt[] =>
  deliveries.map(({ message, failures }) => ({ id: message.id, failures }))
/** The step of deliveries that are handled together. */
export const stepOf = (deliveries: readonly Handled[]) => handledStep(attemptsOf(deliveries))
