/** Codes of roles and rights. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const securityCodes = {
  'access.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action}.',
    hint: 'Give it a role or grant that allows this, or let another agent do it.',
  },
  'role.unknown': {
    class: errors.ValidationError,
    message: 'There is no role {role}.',
    hint: 'Use one of {known}.',
  },
} as const satisfies Record<string, CatalogueEntry>
