/** The step in which one message is handled, and how long what it recorded is kept where it does not come to a good end. */
import { deadForMs } from './statements/sweep-statements.ts'

/** @param failures how often the message was given back or redriven: each is another try, and another step */
export const handledStep = (message: string, failures: number) => `step:message/${message}#${failures}` as const

/** The next try is answered from it, also where that is one of a dead letter that was redriven. */
export const failedKeptMs = (retentionMs: number): number => Math.max(retentionMs, deadForMs)
