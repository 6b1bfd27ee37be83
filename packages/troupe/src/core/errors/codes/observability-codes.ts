/** Codes of `observability`. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const observabilityCodes = {
  'health.unhealthy': {
    class: errors.ProcessingError,
    message: 'The health check {check} is unhealthy: {problem}.',
    hint: 'Examine the checked part; `troupe health` shows all checks.',
  },
  'metric.unknown': {
    class: errors.NotFoundError,
    message: 'There is no metric {metric}: it is not published, and nothing was recorded under it.',
    hint: 'Did you mean {nearest}? In a rule about a metric of the application, set own: true.',
  },
  'sending.rejected': {
    class: errors.ExternalServiceError,
    message: 'The recipient rejected the request with status {status}: {problem}',
    hint: 'Check the URL, the headers and the log of the recipient.',
    retryable: true,
  },
} as const satisfies Record<string, CatalogueEntry>
