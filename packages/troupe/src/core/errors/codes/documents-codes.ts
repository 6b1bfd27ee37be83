/** Codes of the search in documents. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const documentsCodes = {
  'documents.unreadable': {
    class: errors.ValidationError,
    message: '{problem}.',
    hint: 'Name folders that exist, may be read, and hold documents.',
  },
  'documents.unstorable': {
    class: errors.ValidationError,
    message: 'The index cannot be stored at {path}: {problem}.',
    hint: 'Name a path whose folder may be written and whose disk has space, or name none: the documents are then read each time.',
  },
} as const satisfies Record<string, CatalogueEntry>
