/** Codes that belong to no module. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const generalCodes = {
  'troupe.error': {
    class: errors.TroupeError,
    message: 'Something failed: {problem}.',
    hint: 'Look at the message and the cause. Code that throws it says more with one of the other classes, or a code of its own.',
  },
  'processing.failed': {
    class: errors.ProcessingError,
    message: 'Valid input could not be processed: {problem}.',
    hint: 'Look at the message and the cause, remove it, then try again.',
  },
  'external.failed': {
    class: errors.ExternalServiceError,
    message: 'Something outside failed: {problem}.',
    hint: 'Try again, or name a retry in onError of the run; see whether the service that the message names is up.',
  },
  not_found: {
    class: errors.NotFoundError,
    message: 'What was named does not exist, or may not be seen: {problem}.',
    hint: 'Look at how the name is spelt, and whose it is.',
  },
  conflict: {
    class: errors.ConflictError,
    message: 'Another writer changed it first: {problem}.',
    hint: 'Read it again, and decide by what it is now.',
  },
  'capacity.exceeded': {
    class: errors.CapacityError,
    message: 'A bound is reached: {problem}.',
    hint: 'Try again later, with less at once.',
  },
  'internal.error': {
    class: errors.ProcessingError,
    message: 'Internal error {id}.',
    hint: 'Give the id to an operator: the log and the trace have the error under it.',
  },
  'invariant.broken': {
    class: errors.ProcessingError,
    message: 'A rule that always holds was broken: {rule}.',
    hint: 'This is a defect of Troupe. Keep the journal of the run and report it.',
  },
  'validation.failed': {
    class: errors.ValidationError,
    message: '{what} is not valid: {problem}.',
    hint: 'Correct the value named and try again.',
  },
  'config.invalid': {
    class: errors.ValidationError,
    message: 'The configuration cannot be used: {first} And {others} more, in details.problems.',
    hint: 'Correct each of details.problems; every one says how.',
  },
  'config.value': {
    class: errors.ValidationError,
    message: '{setting} is {value} in {origin}, which is not {wanted}.',
    hint: 'Give it {wanted}.',
  },
  'config.missing': {
    class: errors.ValidationError,
    message: '{setting} is missing: {reason}.',
    hint: 'Set {variable}, or {setting} in the file of the configuration.',
  },
  'config.always': {
    class: errors.ValidationError,
    message: '{name} asks to turn off what is always so: {always}.',
    hint: 'Remove it, or set it to true.',
  },
  'config.contradiction': {
    class: errors.ValidationError,
    message: '{one} and {other} contradict each other about {setting}.',
    hint: 'Keep one of the two.',
  },
  'config.restart': {
    class: errors.ConflictError,
    message: '{setting} cannot change while the troupe runs.',
    hint: 'Set it in the configuration and restart the process.',
  },
  'config.unreadable': {
    class: errors.ValidationError,
    message: 'The configuration {path} cannot be read: {problem}.',
    hint: 'Correct the file, or name another one.',
  },
  'package.missing': {
    class: errors.ValidationError,
    message: '{what} needs the package {package}, which is not installed.',
    hint: 'Run npm install {package}.',
  },
  'config.unsafe': {
    class: errors.ValidationError,
    message: '{what} is not safe: {problem}.',
    hint: '{remedy}',
  },
  'json.unsupported': {
    class: errors.ValidationError,
    message: '{what} holds {found} at {path}, which JSON cannot carry exactly.',
    hint: 'Pass plain JSON: null, booleans, finite numbers, strings, arrays and plain objects.',
  },
  'name.invalid': {
    class: errors.ValidationError,
    message: '{what} {value} is not allowed: {problem}.',
    hint: 'Use well-formed Unicode in normal form C, without NUL, of at most {limit} bytes.',
  },
  'duration.invalid': {
    class: errors.ValidationError,
    message: '{what} must be a duration such as 250ms, 30s, 5m, 1h or 1d, not {value}.',
    hint: 'Write the unit, because a bare number has none; the longest is 1000000d.',
  },
  'option.unknown': {
    class: errors.ValidationError,
    message: '{where} has no option {option}.',
    hint: 'Did you mean {nearest}?',
  },
  cancelled: { class: errors.CancelledError, message: '{what} was cancelled.', hint: 'Nothing to do.' },
  timeout: {
    class: errors.TimeoutError,
    message: '{what} took longer than its {kind} timeout of {limit}.',
    hint: 'Raise the timeout named, or find out what it waits for.',
  },
  'circuit.open': {
    class: errors.CircuitOpenError,
    message: 'The circuit is open after repeated failures; the next attempt is allowed in {pause}.',
    hint: 'It is tried again by itself; have something to fall back on.',
  },
  'rate.limited': {
    class: errors.RateLimitError,
    message: 'More than {limit} calls came within the window of the rate limit.',
    hint: 'Try again in {seconds} s.',
  },
  'bulkhead.full': {
    class: errors.CapacityError,
    message: 'All {concurrent} places are taken and {queue} calls wait already.',
    hint: 'Try later, or raise its concurrency or its queue.',
  },
  'batch.full': {
    class: errors.CapacityError,
    message: 'The batch has {limit} items that wait already.',
    hint: 'Add fewer at once, or raise maxWaiting.',
  },
  'troupe.closed': {
    class: errors.CancelledError,
    message: '{what} is not possible: the troupe is closed.',
    hint: 'Open it again with createTroupe(); nothing accepted was lost.',
  },
  'troupe.unopened': {
    class: errors.ProcessingError,
    message: 'The troupe was not opened: {stage} failed: {problem}.',
    hint: 'All that was open before is let go of. Mend what the cause says, and open it again.',
  },
  'troupe.unclosed': {
    class: errors.ProcessingError,
    message: 'A part of the troupe did not end as it should: {stage}: {problem}.',
    hint: 'All other parts have ended; nothing accepted was lost.',
  },
  'troupe.draining': {
    class: errors.CancelledError,
    message: '{what} is not possible: the troupe is shutting down.',
    hint: 'Ask another process, or this one once it is up again; nothing accepted was lost.',
    status: 503,
    retryable: true,
  },
  'troupe.restored': {
    class: errors.ConflictError,
    message: '{what} is not possible: the database was restored from a backup of {backupAt}, and waits.',
    hint: 'What it was about to do may have been done since. Look, then call troupe.resumeRestored().',
    status: 503,
  },
  'join.unsatisfied': {
    class: errors.ProcessingError,
    message: 'The join {join} at {node} cannot be met: {found}.',
    hint: "Ask for less, or set onFailure to 'collect' or 'continue' to continue with the values that arrived.",
  },
  'retries.exhausted': {
    class: errors.MaxRetriesExceededError,
    message: 'All {attempts} attempts failed; the last one: {error}',
    hint: 'Look at the cause in the details.',
  },
  'route.unknown': {
    class: errors.ValidationError,
    message: 'There is no route for {type}; known are {known}.',
    hint: 'Add the route, or let the task name one of those known.',
  },
  'vote.undecided': {
    class: errors.ProcessingError,
    message: 'The vote has no winner: {quorum} equal votes were needed, {found}.',
    hint: 'Lower the quorum, add voters, or ask a question with fewer answers.',
  },
  'loop.unfinished': {
    class: errors.ProcessingError,
    message: 'The check did not pass within {max} rounds: {feedback}.',
    hint: 'Raise max, or let the check ask for less.',
  },
} as const satisfies Record<string, CatalogueEntry>
