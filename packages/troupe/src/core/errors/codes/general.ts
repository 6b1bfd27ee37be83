/** Codes that belong to no room. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const generalCodes = {
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
    hint: 'Write the unit: a bare number is refused because nobody knows its unit.',
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
  'troupe.closed': {
    class: errors.CancelledError,
    message: '{what} is not possible: the troupe is closed.',
    hint: 'Open it again with createTroupe(); nothing accepted was lost.',
  },
  'join.unmet': {
    class: errors.ProcessingError,
    message: 'The join {join} at {node} cannot be met: {found}.',
    hint: "Ask for less, or set onFailure to 'collect' or 'continue' to go on with what there is.",
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
