/** Codes that belong to no module. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const generalCodes = {
  'troupe.error': {
    class: errors.TroupeError,
    message: 'Something failed: {problem}.',
    hint: 'See the message and the cause. In your code, throw a more specific class, or set a code.',
  },
  'processing.failed': {
    class: errors.ProcessingError,
    message: 'Valid input could not be processed: {problem}.',
    hint: 'See the message and the cause, solve the problem, then retry.',
  },
  'external.failed': {
    class: errors.ExternalServiceError,
    message: 'An external service failed: {problem}.',
    hint: 'Retry, or set a retry in onError of the run. Check that the service is available.',
  },
  'runtime.globals': {
    class: errors.ProcessingError,
    message: 'The global {name} of this process is not the one of Node.',
    hint: 'A test environment that simulates a browser (jsdom, happy-dom) replaces it. Begin the test file with the comment `// @vitest-environment node`, or `/** @jest-environment node */`.',
  },
  not_found: {
    class: errors.NotFoundError,
    message: 'The requested object does not exist, or is not visible: {problem}.',
    hint: 'Check the spelling and the owner of the name.',
  },
  conflict: {
    class: errors.ConflictError,
    message: 'Another writer changed the data first: {problem}.',
    hint: 'Read the data again, and repeat the change.',
  },
  'capacity.exceeded': {
    class: errors.CapacityError,
    message: 'A limit is reached: {problem}.',
    hint: 'Retry later, with fewer concurrent requests.',
  },
  'internal.error': {
    class: errors.ProcessingError,
    message: 'Internal error {id}.',
    hint: 'Give the id to an operator, who finds the error by it in the log and the trace.',
  },
  'invariant.broken': {
    class: errors.ProcessingError,
    message: 'An internal invariant was violated: {rule}.',
    hint: 'This is a defect of Troupe. Export the journal of the run and report it.',
  },
  'validation.failed': {
    class: errors.ValidationError,
    message: '{what} is not valid: {problem}.',
    hint: 'Correct this value.',
  },
  'config.invalid': {
    class: errors.ValidationError,
    message: 'The configuration is invalid: {first} And {others} more, in details.problems.',
    hint: 'Correct each of details.problems; each has a hint.',
  },
  'config.value': {
    class: errors.ValidationError,
    message: '{setting} is {value} in {origin}, which is not {wanted}.',
    hint: 'Set it to {wanted}.',
  },
  'config.missing': {
    class: errors.ValidationError,
    message: '{setting} is missing: {reason}.',
    hint: 'Set {variable}, or {setting} in the configuration file.',
  },
  'config.always': {
    class: errors.ValidationError,
    message: '{name} cannot be switched off: {always}.',
    hint: 'Remove it, or set it to true.',
  },
  'config.contradiction': {
    class: errors.ValidationError,
    message: '{one} and {other} contradict each other about {setting}.',
    hint: 'Remove one of the two.',
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
    hint: 'Use another one, of well-formed Unicode in normal form C, without NUL, of at most {limit} bytes.',
  },
  'duration.invalid': {
    class: errors.ValidationError,
    message: '{what} must be a duration such as 250ms, 30s, 5m, 1h or 1d, not {value}.',
    hint: 'Write a number with its unit. The longest duration is 1000000d.',
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
    hint: 'Calls are admitted again automatically. Configure a fallback.',
  },
  'rate.limited': {
    class: errors.RateLimitError,
    message: 'More than {limit} calls came within the window of the rate limit.',
    hint: 'Try again in {seconds} s.',
  },
  'bulkhead.full': {
    class: errors.CapacityError,
    message: 'All {concurrent} concurrent calls are in use, and {queue} calls wait already.',
    hint: 'Retry later, or raise its concurrency or its queue.',
  },
  'batch.full': {
    class: errors.CapacityError,
    message: 'The batch has {limit} waiting items already.',
    hint: 'Add fewer items at a time, or raise maxWaiting.',
  },
  'batch.closed': {
    class: errors.CancelledError,
    message: 'An item cannot be added: the batch processor is closed.',
    hint: 'Create a new batch processor, or close this one after its last use.',
  },
  'troupe.closed': {
    class: errors.CancelledError,
    message: '{what} is not possible: the troupe is closed.',
    hint: 'Open it again with createTroupe(); no accepted work was lost.',
  },
  'troupe.unopened': {
    class: errors.ProcessingError,
    message: 'The troupe was not opened: {stage} failed: {problem}.',
    hint: 'All opened parts were closed again. Solve the problem of the cause, and open the troupe again.',
  },
  'troupe.unclosed': {
    class: errors.ProcessingError,
    message: 'A part of the troupe did not close correctly: {stage}: {problem}.',
    hint: 'All other parts were closed; no accepted work was lost.',
  },
  'troupe.draining': {
    class: errors.CancelledError,
    message: '{what} is not possible: the troupe is shutting down.',
    hint: 'Use another process, or retry after the restart; no accepted work was lost.',
    status: 503,
    retryable: true,
  },
  'troupe.restored': {
    class: errors.ConflictError,
    message: '{what} is not possible: the database was restored from a backup of {backupAt} and is on hold.',
    hint: 'Pending work of the backup may have been done since. Check it, then run `troupe resume-restored`, or call troupe.resumeRestored().',
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
    hint: 'The cause is the error of the last attempt. If it is temporary, allow more attempts; otherwise correct it and retry the run.',
  },
  'route.unknown': {
    class: errors.ValidationError,
    message: 'There is no route for {type}; known are {known}.',
    hint: 'Add the route, or change the task to name a known one.',
  },
  'vote.undecided': {
    class: errors.ProcessingError,
    message: 'The vote has no winner: {quorum} equal votes were needed, {found}.',
    hint: 'Lower the quorum, add voters, or reduce the possible answers.',
  },
  'plan.failed': {
    class: errors.ProcessingError,
    message: 'The planner {planner} failed, and the team has no plan or answer without it.',
    hint: 'See the error of its branch. With onError, its step can be retried, or get a substitute agent or value.',
  },
  'loop.unfinished': {
    class: errors.ProcessingError,
    message: 'The check did not pass within {max} rounds: {feedback}.',
    hint: 'Raise max, or relax the check.',
  },
} as const satisfies Record<string, CatalogueEntry>
