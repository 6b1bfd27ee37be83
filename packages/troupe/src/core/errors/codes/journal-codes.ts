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
    hint: 'Run the version that began the step, or cancel the run and start it again.',
  },
  'effect.uncertain': {
    class: errors.ConflictError,
    message: 'Whether the effect {effect} of {step} happened is unknown.',
    hint: 'Find out, and settle it as happened or not; it is never repeated by itself.',
  },
  'outcome.unknown': {
    class: errors.ExternalServiceError,
    message: '{what} may have happened or not: {problem}.',
    hint: 'Find out; what may be repeated is tried again by itself, an effect of class at-most-once waits for `run.resolve()`.',
    retryable: true,
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
  'step.open': {
    class: errors.ConflictError,
    message: 'The step {step} is not over: what it did cannot be undone yet.',
    hint: 'Let it end, or cancel it first.',
  },
  'step.over': {
    class: errors.CancelledError,
    message: 'The step {step} is over: ctx answers no more.',
    hint: 'Await everything that uses ctx before the agent returns.',
  },
  'step.crashed': {
    class: errors.ProcessingError,
    message: 'The step {step} ended its process {restarts} times without a record between.',
    hint: 'Look for what ends the process: memory, a native module, process.exit. Then retry the run.',
    retryable: false,
  },
  'journal.unknown': {
    class: errors.NotFoundError,
    message: 'There is no journal {journal}.',
    hint: 'Check its id; an ended journal goes with its retention.',
  },
  'inbox.pending': {
    class: errors.ConflictError,
    message: 'The inbox of {journal} holds what was not taken in yet.',
    hint: 'Nothing to do: its owner takes it in.',
    retryable: true,
  },
  'journal.newer': {
    class: errors.ConflictError,
    message: 'The journal {journal} was written by a newer release (form {found}; this release reads up to {known}).',
    hint: 'Let the newer release carry it on, or cancel it.',
  },
  'turn.conflict': {
    class: errors.ConflictError,
    message: 'A turn of {step} could not commit in {attempts} attempts: {problem}.',
    hint: 'Others change the same things all the time: use update(), or divide what is shared.',
  },
  'effect.unused': {
    class: errors.ConflictError,
    message:
      'The effect {effect} of {step} happened in a turn that had to be repeated, and the repeat does not ask for it.',
    hint: 'Do what cannot be taken back only after commit(), or make it depend on recorded values only.',
  },
  'effect.resolved': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} is not uncertain: it was settled before, or never was.',
    hint: 'List the uncertain effects again.',
  },
} as const satisfies Record<string, CatalogueEntry>
