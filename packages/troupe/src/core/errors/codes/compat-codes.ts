/** Codes of agents of other frameworks, and of the spellings of older versions. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const compatCodes = {
  'compat.unsupported': {
    class: errors.ValidationError,
    message: '{what} has no counterpart in Troupe: {instead}.',
    hint: 'Use the alternative in the message.',
  },
  'compat.unfinished': {
    class: errors.ProcessingError,
    message: '{agent} ended without an answer: {problem}.',
    hint: 'Change the agent so that it ends with an answer. The recorded call is not repeated.',
  },
} as const satisfies Record<string, CatalogueEntry>
