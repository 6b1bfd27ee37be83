/** Codes of `observability`. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const observabilityCodes = {
  'health.unhealthy': {
    class: errors.ProcessingError,
    message: 'The health check {check} is unhealthy: {problem}.',
    hint: 'Look at what the check looks at; `troupe health` shows all of them.',
  },
  'metric.unknown': {
    class: errors.NotFoundError,
    message: 'There is no metric {metric}: it is not published, and nothing was recorded under it.',
    hint: 'Did you mean {nearest}? A rule about a metric that the application records later says own: true.',
  },
  'sending.rejected': {
    class: errors.ExternalServiceError,
    message: 'What was sent out was refused with status {status}: {problem}',
    hint: 'Look at its address, its headers, and the log of the other side.',
    retryable: true,
  },
} as const satisfies Record<string, CatalogueEntry>
