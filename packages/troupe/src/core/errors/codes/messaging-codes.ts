/** Codes of messages, mailboxes and workers. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const messagingCodes = {
  'mailbox.full': {
    class: errors.CapacityError,
    message: 'The mailbox of {mailbox} is full: {limit}.',
    hint: 'Send again when its owner has worked some off, raise messaging.capacity, or choose the backpressure wait or drop-oldest.',
  },
  'batch.unresolved': {
    class: errors.CapacityError,
    message: '{limit} messages of this batch are not settled yet.',
    hint: 'Await what was sent before sending more.',
  },
  'lease.lost': {
    class: errors.LeaseLostError,
    message:
      'The lease on the message {message} is lost: it was settled before, or ran out and another consumer has it.',
    hint: 'Nothing to do: the consumer that has it now settles it. A longer messaging.lease, or renew(), keeps slow work leased.',
  },
  'message.unknown': {
    class: errors.NotFoundError,
    message: 'No {what} {message} is in the mailbox of {mailbox}.',
    hint: 'It may have been settled or redriven already, or its time of keeping is over: look at deadLetters().',
  },
  'message.too_large': {
    class: errors.ValidationError,
    message: 'The message {type} has {bytes} bytes; {limit} fit.',
    hint: 'Push the value to the context and send its key, or raise messaging.capacity.bytes (8 MB at most for one message).',
  },
  'request.failed': {
    class: errors.ProcessingError,
    message: '{to} did not answer the request {type}: {problem}.',
    hint: 'Look at the dead letters of the recipient.',
  },
  'request.unanswered': {
    class: errors.ProcessingError,
    message: '{to} acknowledged the request {type} without a reply.',
    hint: 'Have {to} call reply(value) of the delivery in place of ack(); where no answer is needed, send in place of request.',
  },
  'worker.started': {
    class: errors.ConflictError,
    message: 'The worker {worker} is started already.',
    hint: 'Start another instance of its class: one instance works for one user.',
  },
  'answer.rejected': {
    class: errors.CriticalError,
    message: 'The answer of {from} to {question} is refused: {problem}.',
    hint: 'Look at the questions of the run, and at the agents whose answers acceptAnswers accepts.',
  },
  'worker.hung': {
    class: errors.TimeoutError,
    message: 'The worker {worker} is {what} for more than {limit}.',
    hint: 'Let what it waits for end with ctx.signal, or supervise it with a longer hang.',
  },
  'worker.failing': {
    class: errors.ProcessingError,
    message: '{count} handlers of the worker {worker} failed in a row.',
    hint: 'The cause is the last failure; worker.failed tells of each.',
  },
  'supervision.escalated': {
    class: errors.CriticalError,
    message:
      'The supervisor {supervisor} gave up after {failures} failures within {seconds} s. The last was of {problem}',
    hint: 'Its workers are stopped. Take the cause away and supervise them again, or allow more restarts.',
  },
  'transition.invalid': {
    class: errors.InvalidTransitionError,
    message: 'There is no transition from {from} to {to}.',
    hint: 'From here one can go to: {allowed}.',
  },
} as const satisfies Record<string, CatalogueEntry>
