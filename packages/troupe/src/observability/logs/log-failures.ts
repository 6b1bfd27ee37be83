/** The log of failures: one line for each event with an error. */
import {
  type EventFields,
  type EventName,
  type Events,
  type Json,
  restoreError,
  type StoredError,
  storeError,
} from '../../core/index.ts'
import type { Log } from './log.ts'

/** The events of failures, and their log messages. */
const messages: { readonly [Name in EventName]?: string | ((event: EventFields) => string) } = {
  'callback.failed': ({ callback }) => `${/^[aeiou]/.test(String(callback)) ? 'an' : 'a'} ${callback} failed`,
  'message.dead-lettered': 'a message was dead-lettered',
  'run.failed': 'a run failed',
  'schedule.failed': 'a schedule could not start its run',
  'schedule.unhandled': 'no process has the code of a schedule',
  'step.released': 'an agent failed',
  'supervision.escalated': 'a supervisor gave up',
  'tool.called': 'a tool failed',
  'worker.crashed': 'a worker crashed',
  'worker.failed': 'a worker failed',
}

/**
 * Writes one line at level `error` for each agent, run, tool, handler, schedule, worker and callback that fails: with the
 * ids, the code, the error id that callers of the server get, and the error with its stack and causes.
 * @returns a function that ends it
 */
export function logFailures(events: Events, log: Log): () => void {
  return events.onContent((event: EventFields, { error }) => {
    const message = messages[event.type]
    if (message === undefined || error === undefined) return
    // The failure of a handler is reported by its worker, with the message.
    if (event.type === 'step.released' && event.messageType !== undefined) return
    log.error(typeof message === 'string' ? message : message(event), failureFields(event, error))
  })
}

/** The fields of the line of a failure: those of the event, and the error. */
export function failureFields(
  { type: _, at: __, success: ___, ...fields }: Partial<EventFields>,
  thrown: unknown,
): { readonly [field: string]: Json | Error | undefined } {
  const { code, errorId } = isStored(thrown) ? thrown : storeError(thrown)
  return { code, errorId, ...fields, error: asError(thrown) }
}

function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  const stored = isStored(thrown) ? thrown : storeError(thrown)
  const error = restoreError(stored)
  // The stack of this line would not help.
  error.stack = `${stored.name}: ${stored.message}`
  return error
}

const isStored = (thrown: unknown): thrown is StoredError =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown && 'retryable' in thrown
