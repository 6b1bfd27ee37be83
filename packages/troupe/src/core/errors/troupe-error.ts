/**
 * The classes of errors. Each stands for one way in which callers react; what went wrong exactly is the
 * `code`, and every code that Troupe itself raises is in the catalogue.
 */
import { isPlainObject } from '../values/is-object.ts'
import type { Json } from '../values/json-value.ts'
import { show } from '../values/show.ts'

export interface TroupeErrorOptions {
  readonly code?: string
  readonly cause?: unknown
  /** What a program needs to react, plain JSON without secrets or payloads. */
  readonly details?: Json
  /** What the reader can do about it. */
  readonly hint?: string
  readonly retryable?: boolean
  /** HTTP status under which a server reports it. */
  readonly status?: number
  /** @see TroupeError.errorId */
  readonly errorId?: string
}

/** The root of every error that Troupe raises. */
export class TroupeError extends Error {
  readonly code: string
  readonly status: number
  readonly retryable: boolean
  readonly hint: string | undefined
  readonly details: Json | undefined
  /**
   * The id under which the log, the trace and operators find the error: the same for the same failure at the same line.
   * Undefined for errors whose text is Troupe's own; those are shown to callers of the server as they are.
   */
  readonly errorId: string | undefined

  /** @throws ValidationError for a message that is no text and for options that cannot be used, with them as its cause */
  constructor(message: string, options: TroupeErrorOptions = {}) {
    checkMessage(message)
    checkErrorOptions(options)
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = options.code ?? 'troupe.error'
    this.status = options.status ?? 500
    this.retryable = options.retryable ?? false
    this.hint = options.hint
    this.details = options.details
    this.errorId = options.errorId
  }
}

/** The types of the options; `cause` and `details` may be anything. */
const optionTypes: readonly (readonly [option: keyof TroupeErrorOptions, type: string])[] = [
  ['code', 'string'],
  ['hint', 'string'],
  ['retryable', 'boolean'],
  ['status', 'number'],
  ['errorId', 'string'],
]

/** What was to be thrown is the cause, so that the failure which it reports is not lost. */
const wrongError = (problem: string, cause: unknown) =>
  new ValidationError(`An error was made wrongly: ${problem}`, { cause })

function checkMessage(message: unknown): void {
  if (typeof message !== 'string') throw wrongError(`its message must be a text, got ${show(message)}.`, message)
}

function checkErrorOptions(options: TroupeErrorOptions): void {
  if (!isPlainObject(options)) throw wrongError(`its options must be an object, got ${show(options)}.`, options)
  const problem = problemOfOptions(options)
  if (problem !== undefined) throw wrongError(problem, options)
}

function problemOfOptions(options: Readonly<Record<string, unknown>>): string | undefined {
  try {
    // An unknown option is ignored: an error of another class may be passed on with all of its fields.
    for (const [option, type] of optionTypes) {
      const value = options[option]
      if (value !== undefined && typeof value !== type) return `its ${option} must be a ${type}, got ${show(value)}.`
    }
    return undefined
  } catch {
    return 'its options cannot be read.'
  }
}

function withDefaults(options: TroupeErrorOptions, code: string, status: number, retryable = false) {
  checkErrorOptions(options)
  const { cause, details, hint, errorId } = options
  return {
    ...(cause === undefined ? {} : { cause }),
    ...(details === undefined ? {} : { details }),
    ...(hint === undefined ? {} : { hint }),
    ...(errorId === undefined ? {} : { errorId }),
    code: options.code ?? code,
    status: options.status ?? status,
    retryable: options.retryable ?? retryable,
  }
}

/** An agent, its definition or its session failed. */
export class AgentError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'agent.failed', 500))
  }
}
/** Input that doesn't fit: a caller's mistake. */
export class ValidationError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'validation.failed', 400))
  }
}
/** Valid input could not be processed. */
export class ProcessingError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'processing.failed', 500))
  }
}
/** Something outside (a model, a tool's service, a disk) failed. */
export class ExternalServiceError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'external.failed', 502, true))
  }
}
/** The principal may not do this. */
export class AccessDeniedError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'access.denied', 403))
  }
}
/** What was named does not exist, or may not be seen. */
export class NotFoundError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'not_found', 404))
  }
}
/** Another writer changed it first. */
export class ConflictError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'conflict', 409))
  }
}
/** A lease or ownership was lost to somebody else; what was held may not be used any more. */
export class LeaseLostError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'lease.lost', 409))
  }
}
/** It took longer than allowed. */
export class TimeoutError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'timeout', 504, true))
  }
}
/** Somebody asked for it to stop. */
export class CancelledError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'cancelled', 499))
  }
}
/** A bound is reached: a mailbox, a queue, a disk. */
export class CapacityError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'capacity.exceeded', 429, true))
  }
}
/** Too many calls in a window. */
export class RateLimitError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'rate.limited', 429, true))
  }
}
/** The circuit breaker is open. */
export class CircuitOpenError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'circuit.open', 503, true))
  }
}
/** A budget of the run doesn't allow it. */
export class BudgetExceededError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'budget.exceeded', 402))
  }
}
/** It failed, and trying again may help. For users' agents and tools to throw. */
export class RecoverableError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'recoverable', 503, true))
  }
}
/** It failed, and nothing should be tried again. For users' agents and tools to throw. */
export class CriticalError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'critical', 500))
  }
}
/** Every allowed attempt failed; `cause` is the last failure. */
export class MaxRetriesExceededError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'retries.exhausted', 503))
  }
}
/** A state machine has no such transition. */
export class InvalidTransitionError extends TroupeError {
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'transition.invalid', 409))
  }
}
