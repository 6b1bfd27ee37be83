/** Codes of journals, effects and turns. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const journalCodes = {
  'journal.lost': {
    class: errors.LeaseLostError,
    message: 'The journal {journal} has another writer now.',
    hint: 'No action is needed: the other writer continues, and this one changed nothing.',
  },
  'journal.full': {
    class: errors.CapacityError,
    message: 'The journal {journal} reached its limit of {limit} {unit}.',
    hint: 'Split the work into child runs (ctx.startRun), or start a new run.',
    retryable: false,
  },
  'code.changed': {
    class: errors.ConflictError,
    message: 'The code of {step} no longer fits its record: {problem}.',
    hint: 'Resume with the code that started the step, or call `cancel()` of its run or session and start it again.',
  },
  'effect.uncertain': {
    class: errors.ConflictError,
    message: 'Whether the effect {effect} of {step} happened is unknown.',
    hint: 'Find out whether it happened, and call `resolve()` of the run or session. It is never repeated automatically.',
  },
  'outcome.unknown': {
    class: errors.ExternalServiceError,
    message: '{what} may have happened or not: {problem}.',
    hint: 'Find out whether it happened. Repeatable effects are retried automatically; one of class at-most-once waits for `resolve()` of its run or session.',
    retryable: true,
  },
  'effect.nested': {
    class: errors.ValidationError,
    message: 'The function of the effect {effect} used ctx.',
    hint: 'Use ctx only outside the function of an effect.',
  },
  'effect.input': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} was claimed with another input.',
    hint: 'Derive the input of an effect from recorded values only (ctx.now, ctx.random, context, results).',
  },
  'step.open': {
    class: errors.ConflictError,
    message: 'The step {step} has not ended, so its effects cannot be undone yet.',
    hint: 'Wait until it has ended, or cancel it first.',
  },
  'step.over': {
    class: errors.CancelledError,
    message: 'The step {step} has ended, so its ctx cannot be used.',
    hint: 'Await every call of ctx before the agent returns.',
  },
  'step.crashed': {
    class: errors.ProcessingError,
    message: 'The step {step} ended its process {restarts} times without a record between.',
    hint: 'Find out why the process ends: memory, a native module, process.exit. Then retry the run.',
    retryable: false,
  },
  'journal.unknown': {
    class: errors.NotFoundError,
    message: 'There is no journal {journal}.',
    hint: 'Check the id. Journals are deleted after their retention.',
  },
  'inbox.pending': {
    class: errors.ConflictError,
    message: 'The inbox of {journal} has unprocessed inputs.',
    hint: 'No action is needed: its owner will process them.',
    retryable: true,
  },
  'journal.newer': {
    class: errors.ConflictError,
    message: 'The journal {journal} was written by a newer release (form {found}; this release reads up to {known}).',
    hint: 'Resume it with the newer release, or cancel it.',
  },
  'turn.conflict': {
    class: errors.ConflictError,
    message: 'A turn of {step} could not commit in {attempts} attempts: {problem}.',
    hint: 'Other writers change the same entries. Use update(), or divide the shared entries.',
  },
  'effect.unused': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} happened in a turn that was repeated, and the repetition did not use it.',
    hint: 'Execute irreversible effects after commit(), or let them depend on recorded values only.',
  },
  'effect.resolved': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} is not uncertain: it was resolved before, or never was uncertain.',
    hint: 'List the uncertain effects again.',
  },
} as const satisfies Record<string, CatalogueEntry>
