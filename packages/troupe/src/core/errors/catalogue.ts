/**
 * Every code that Troupe itself raises: its class, message, and what the reader can do. Stable: a released code keeps
 * its meaning. `{name}` in a message is filled from the values given to `failure()`.
 */
import * as errors from './troupe-error.ts'

type ErrorClass = new (message: string, options?: errors.TroupeErrorOptions) => errors.TroupeError

export interface CatalogueEntry {
  readonly class: ErrorClass
  readonly message: string
  readonly hint: string
  /** Where it differs from the class's own. */
  readonly status?: number
  readonly retryable?: boolean
}

export const catalogue = {
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
  'storage.owned': {
    class: errors.ConflictError,
    message: 'The database {path} is owned by process {pid} on {host}, since {since}.',
    hint: 'End that process, or talk to it. Several processes at once need PostgreSQL.',
    status: 423,
  },
  'storage.foreign': {
    class: errors.ValidationError,
    message: '{path} is not a Troupe database: {problem}.',
    hint: 'Name another path. The file was not changed.',
  },
  'storage.corrupt': {
    class: errors.ProcessingError,
    message: 'The database {path} is damaged: {problem}.',
    hint: 'Restore a backup, or move the file away and start anew. The file was not changed.',
  },
  'storage.too_new': {
    class: errors.ValidationError,
    message: 'The database {path} was written by a newer Troupe (schema {found}; this release reads up to {known}).',
    hint: 'Use the newer release. The file was not changed.',
  },
  'storage.read_only': {
    class: errors.ExternalServiceError,
    message: 'The database {path} cannot be written: {problem}.',
    hint: 'Check the permissions of the file and its folder, and that the disk is not mounted read-only.',
    retryable: false,
  },
  'storage.full': {
    class: errors.CapacityError,
    message: 'The disk that holds {path} is full; Troupe reads but does not write until there is space.',
    hint: 'Free some space: writing goes on by itself. Nothing acknowledged was lost.',
    status: 507,
  },
  'storage.io': {
    class: errors.ExternalServiceError,
    message: 'Reading or writing {path} failed: {problem}.',
    hint: 'The change was not acknowledged. Check the disk before trying again.',
  },
  'storage.expectation': {
    class: errors.ConflictError,
    message: 'A change expected {expected} rows and found {found}.',
    hint: 'Read the current state and try again.',
  },
  'journal.lost': {
    class: errors.LeaseLostError,
    message: 'The journal {journal} has another writer now.',
    hint: 'Nothing to do: the other writer goes on; this one changed nothing.',
  },
  'journal.full': {
    class: errors.CapacityError,
    message: 'The journal {journal} reached its limit of {limit}.',
    hint: 'Split the work into sub-runs (ctx.startRun), or let the agent start anew.',
    retryable: false,
  },
  'code.changed': {
    class: errors.ConflictError,
    message: 'The code of {step} no longer fits its record: {problem}.',
    hint: 'Run the version that began the step, or cancel the run and start it again.',
  },
  'effect.uncertain': {
    class: errors.ConflictError,
    message: 'Whether the effect {effect} of {step} happened is unknown.',
    hint: 'Find out, and settle it as happened or not; it is never repeated by itself.',
  },
  'effect.nested': {
    class: errors.ValidationError,
    message: 'The function of the effect {effect} used ctx.',
    hint: 'Do one thing in an effect; use ctx around it.',
  },
  'effect.input': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} was claimed with another input.',
    hint: 'Derive the input of an effect from recorded values only (ctx.now, ctx.random, context, results).',
  },
  'step.over': {
    class: errors.CancelledError,
    message: 'The step {step} is over: ctx answers no more.',
    hint: 'Await everything that uses ctx before the agent returns.',
  },
  'budget.exceeded': {
    class: errors.BudgetExceededError,
    message: 'The {budget} budget of run {run} is used up: {used} of {limit}.',
    hint: 'Raise the budget, or let the team do less.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue
