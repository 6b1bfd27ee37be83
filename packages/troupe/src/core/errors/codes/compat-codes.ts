/** Codes of agents of other frameworks, and of the spellings of older versions. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const compatCodes = {
  'compat.unsupported': {
    class: errors.ValidationError,
    message: '{what} has no counterpart in Troupe: {instead}.',
    hint: 'Use what the message names in its place.',
  },
  'compat.unfinished': {
    class: errors.ProcessingError,
    message: '{agent} ended without an answer: {problem}.',
    hint: 'Let it end with an answer; the call itself is recorded and not repeated.',
  },
} as const satisfies Record<string, CatalogueEntry>
