/** Codes of the search in documents. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const documentsCodes = {
  'documents.unreadable': {
    class: errors.ValidationError,
    message: '{problem}.',
    hint: 'Name folders that exist, are readable and contain documents.',
  },
  'documents.unstorable': {
    class: errors.ValidationError,
    message: 'The index cannot be stored at {path}: {problem}.',
    hint: 'Name a path in a writable folder with free disk space, or none: the documents are then read each time.',
  },
} as const satisfies Record<string, CatalogueEntry>
