/** Problems of the server (RFC 9457) as the errors that the server had thrown. */
import {
  AccessDeniedError,
  AgentError,
  BudgetExceededError,
  CancelledError,
  CapacityError,
  CircuitOpenError,
  ConflictError,
  CriticalError,
  ExternalServiceError,
  InvalidTransitionError,
  LeaseLostError,
  MaxRetriesExceededError,
  NotFoundError,
  ProcessingError,
  RateLimitError,
  RecoverableError,
  TimeoutError,
  TroupeError,
  ValidationError,
} from '../core/index.ts'
import type { ClientSchemas } from './generated/schema.ts'

type Problem = ClientSchemas['Problem']

/** The error classes by name. The names are texts, because minifiers change the names of classes. */
const classes = new Map(
  Object.entries({
    AccessDeniedError,
    AgentError,
    BudgetExceededError,
    CancelledError,
    CapacityError,
    CircuitOpenError,
    ConflictError,
    CriticalError,
    ExternalServiceError,
    InvalidTransitionError,
    LeaseLostError,
    MaxRetriesExceededError,
    NotFoundError,
    ProcessingError,
    RateLimitError,
    RecoverableError,
    TimeoutError,
    TroupeError,
    ValidationError,
  }),
)

/** The error of a problem; undefined for a text that is none, as of a proxy. */
export function errorOf(text: string): TroupeError | undefined {
  const problem = problemIn(text)
  if (!problem) return undefined
  const { name, code, detail, status, retryable, hint, errorId } = problem
  const error = new (classes.get(name) ?? TroupeError)(detail, {
    code,
    status,
    retryable,
    ...(hint === undefined ? {} : { hint }),
    ...(errorId === undefined ? {} : { errorId }),
  })
  error.name = name
  // The details of a rejected topology and of a rejected batch.
  for (const field of ['findings', 'results'] as const)
    if (problem[field] !== undefined) Object.assign(error, { [field]: problem[field] })
  return error
}

function problemIn(text: string): Problem | undefined {
  try {
    const found = JSON.parse(text)
    return typeof found?.detail === 'string' && typeof found.code === 'string' ? found : undefined
  } catch {
    return undefined
  }
}

/** The error for an answer that does not come from a Troupe server. */
export const unknownAnswer = (request: string, status: number): TroupeError =>
  new ExternalServiceError(`The server answered ${request} with the status ${status} and no explanation.`, {
    code: 'server.unknown',
    status,
    hint: 'Check that the URL belongs to a Troupe server of this release.',
  })

/** The error for a server that cannot be reached. */
export const unreachable = (server: string, cause: unknown): TroupeError => {
  const { message = String(cause), cause: inner } = (cause ?? {}) as {
    readonly message?: string
    readonly cause?: { readonly message?: string }
  }
  return new ExternalServiceError(`${server} cannot be reached: ${inner?.message || message}.`, {
    code: 'server.unreachable',
    cause,
    hint: 'Is it running? `troupe serve` starts one.',
  })
}
