/** Codes of the sandbox, its files, and guardrails. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const sandboxCodes = {
  'sandbox.path': {
    class: errors.ValidationError,
    message: 'The path {path} cannot name a file of the sandbox: {problem}.',
    hint: 'Use a relative path such as src/main.js.',
  },
  'sandbox.missing': {
    class: errors.NotFoundError,
    message: 'There is no file {path} in the sandbox.',
    hint: 'List the files to see what there is.',
  },
  'sandbox.binary': {
    class: errors.ValidationError,
    message: 'The file {path} is not UTF-8 text.',
    hint: 'Read it with readBytes.',
  },
  'sandbox.language': {
    class: errors.ValidationError,
    message: 'No engine of the sandbox executes {language}; known are {known}.',
    hint: 'Use one of them, or add an engine: createTroupe({ sandbox: { engines } }).',
  },
  'sandbox.quota': {
    class: errors.CapacityError,
    message: 'The files of the sandbox exceed the limit of {limit}.',
    hint: 'Write less, or raise the limit in createTroupe({ sandbox: { limits } }).',
    retryable: false,
  },
  'sandbox.conflict': {
    class: errors.ConflictError,
    message: 'The file {path} was changed by another step in the meantime.',
    hint: 'The turn is repeated with the new version; give agents that work at the same time files of their own.',
  },
  'sandbox.failed': {
    class: errors.ProcessingError,
    message: 'The engine {engine} of the sandbox failed: {problem}.',
    hint: 'See the cause. The code itself was not the reason.',
  },
  'sandbox.absent': {
    class: errors.ValidationError,
    message: '{what} needs a sandbox, and there is none here.',
    hint: 'Use ctx.sandbox in steps of runs and sessions; handlers of messages have none.',
  },
} as const satisfies Record<string, CatalogueEntry>
