/** Codes of messages, mailboxes and workers. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const messagingCodes = {
  'mailbox.full': {
    class: errors.CapacityError,
    message: 'The mailbox of {mailbox} is full: {limit}.',
    hint: 'Send again later, raise messaging.capacity, or set messaging.backpressure to wait or drop-oldest.',
  },
  'batch.unresolved': {
    class: errors.CapacityError,
    message: '{limit} messages of this batch are still being sent.',
    hint: 'Await earlier sends before sending more.',
  },
  'lease.lost': {
    class: errors.LeaseLostError,
    message:
      'The lease on the message {message} is lost: the message was acknowledged or returned before, or the lease expired.',
    hint: 'No action is needed: the message has another consumer, or is done. For slow handlers, raise messaging.lease or call renew().',
  },
  'message.unknown': {
    class: errors.NotFoundError,
    message: 'No {what} {message} is in the mailbox of {mailbox}.',
    hint: 'It was acknowledged, redriven or deleted after its retention. List deadLetters().',
  },
  'message.too_large': {
    class: errors.ValidationError,
    message: 'The message {type} has {bytes} bytes; {limit} are allowed.',
    hint: 'Push the value to the context and send its key, or raise messaging.capacity.bytes (8 MB at most for one message).',
  },
  'request.failed': {
    class: errors.ProcessingError,
    message: '{to} did not answer the request {type}: {problem}.',
    hint: 'List the dead letters of the recipient.',
  },
  'request.unanswered': {
    class: errors.ProcessingError,
    message: '{to} acknowledged the request {type} without a reply.',
    hint: 'Let {to} call reply(value) of the delivery instead of ack(). If no answer is needed, use send instead of request.',
  },
  'worker.started': {
    class: errors.ConflictError,
    message: 'The worker {worker} is started already.',
    hint: 'Start another instance of its class: one instance works for one user.',
  },
  'answer.rejected': {
    class: errors.CriticalError,
    message: 'The answer of {from} to {question} is rejected: {problem}.',
    hint: 'Check the questions of the run, and the option from of acceptAnswers.',
  },
  'worker.hung': {
    class: errors.TimeoutError,
    message: 'The worker {worker} is {what} for more than {limit}.',
    hint: 'Pass ctx.signal to long calls, or supervise the worker with a longer hang.',
  },
  'worker.failing': {
    class: errors.ProcessingError,
    message: '{count} handlers of the worker {worker} failed in a row.',
    hint: 'The cause is the last failure. Each failure is an event worker.failed.',
  },
  'supervision.escalated': {
    class: errors.CriticalError,
    message:
      'The supervisor {supervisor} escalated after {failures} failures within {seconds} s. The last was of {problem}',
    hint: 'Its workers are stopped. Solve the cause and supervise them again, or allow more restarts.',
  },
  'transition.invalid': {
    class: errors.InvalidTransitionError,
    message: 'There is no transition from {from} to {to}.',
    hint: 'Allowed transitions lead to: {allowed}.',
  },
} as const satisfies Record<string, CatalogueEntry>
