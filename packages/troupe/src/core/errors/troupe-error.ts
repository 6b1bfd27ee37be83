/**
 * The classes of errors: a class stands for one way in which callers react, and `code` says what went wrong exactly.
 * Every code that Troupe raises is in the catalogue.
 */

import { isPlainObject } from '../values/is-object.ts'
import type { Json } from '../values/json-value.ts'
import { show } from '../values/show.ts'

/** Options of the constructor of an error. */
export interface TroupeErrorOptions {
  /** The stable code; that of the class by default. */
  readonly code?: string
  /** The error or value that caused it. */
  readonly cause?: unknown
  /** What a program needs to react: plain JSON without secrets or contents. */
  readonly details?: Json
  /** What the reader can do about it. */
  readonly hint?: string
  /** True if another attempt may succeed; that of the class by default. */
  readonly retryable?: boolean
  /** The HTTP status of the error on a server; that of the class by default. */
  readonly status?: number
  /** The id under which the log has the error. */
  readonly errorId?: string
}

/** The base class of every error that Troupe raises. */
export class TroupeError extends Error {
  /** The name of the class and its errors. Each class states it, because a bundler that minifies renames classes. */
  static override readonly name: string = 'TroupeError'
  /** The stable code, such as `context.conflict`; `troupe.error` by default. */
  readonly code: string
  /** The HTTP status of the error on a server; 500 by default. */
  readonly status: number
  /** True if another attempt may succeed; false by default. */
  readonly retryable: boolean
  /** What to do about it; undefined if there is no hint. */
  readonly hint: string | undefined
  /** Data for programs; undefined if there is none. */
  readonly details: Json | undefined
  /**
   * The id under which the log, the trace and operators find the error: the same for the same failure at the same line.
   * Undefined for errors whose text is Troupe's own, which the server shows to callers.
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

/** The thrown value is the cause, so that the failure which it reports is not lost. */
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

/** An agent, its definition or its session failed. Code `agent.failed`, status 500. */
export class AgentError extends TroupeError {
  static override readonly name: string = 'AgentError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'agent.failed', 500))
  }
}
/** The input of a call is invalid. Code `validation.failed`, status 400. */
export class ValidationError extends TroupeError {
  static override readonly name: string = 'ValidationError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'validation.failed', 400))
  }
}
/** Valid input could not be processed. Code `processing.failed`, status 500. */
export class ProcessingError extends TroupeError {
  static override readonly name: string = 'ProcessingError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'processing.failed', 500))
  }
}
/**
 * A service outside Troupe failed: a model, the service of a tool, a disk. Code `external.failed`, status 502,
 * retryable.
 */
export class ExternalServiceError extends TroupeError {
  static override readonly name: string = 'ExternalServiceError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'external.failed', 502, true))
  }
}
/** The principal has no right to do this. Code `access.denied`, status 403. */
export class AccessDeniedError extends TroupeError {
  static override readonly name: string = 'AccessDeniedError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'access.denied', 403))
  }
}
/** The thing does not exist, or the principal may not see it. Code `not_found`, status 404. */
export class NotFoundError extends TroupeError {
  static override readonly name: string = 'NotFoundError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'not_found', 404))
  }
}
/** Another writer changed it first. Code `conflict`, status 409. */
export class ConflictError extends TroupeError {
  static override readonly name: string = 'ConflictError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'conflict', 409))
  }
}
/**
 * A lease or the ownership passed to another process or caller, so the holder may not use it any more. Code
 * `lease.lost`, status 409.
 */
export class LeaseLostError extends TroupeError {
  static override readonly name: string = 'LeaseLostError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'lease.lost', 409))
  }
}
/** An operation took longer than allowed. Code `timeout`, status 504, retryable. */
export class TimeoutError extends TroupeError {
  static override readonly name: string = 'TimeoutError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'timeout', 504, true))
  }
}
/** An operation was cancelled. Code `cancelled`, status 499. */
export class CancelledError extends TroupeError {
  static override readonly name: string = 'CancelledError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'cancelled', 499))
  }
}
/** A bound is reached: of a mailbox, a queue, a disk. Code `capacity.exceeded`, status 429, retryable. */
export class CapacityError extends TroupeError {
  static override readonly name: string = 'CapacityError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'capacity.exceeded', 429, true))
  }
}
/** There were too many calls within a window. Code `rate.limited`, status 429, retryable. */
export class RateLimitError extends TroupeError {
  static override readonly name: string = 'RateLimitError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'rate.limited', 429, true))
  }
}
/** The circuit breaker is open. Code `circuit.open`, status 503, retryable. */
export class CircuitOpenError extends TroupeError {
  static override readonly name: string = 'CircuitOpenError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'circuit.open', 503, true))
  }
}
/** The budget of a run does not allow it. Code `budget.exceeded`, status 402. */
export class BudgetExceededError extends TroupeError {
  static override readonly name: string = 'BudgetExceededError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'budget.exceeded', 402))
  }
}
/**
 * An agent or a tool failed, and another attempt may succeed. Applications throw it. Code `recoverable`, status 503,
 * retryable.
 */
export class RecoverableError extends TroupeError {
  static override readonly name: string = 'RecoverableError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'recoverable', 503, true))
  }
}
/** An agent or a tool failed, and no attempt should follow. Applications throw it. Code `critical`, status 500. */
export class CriticalError extends TroupeError {
  static override readonly name: string = 'CriticalError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'critical', 500))
  }
}
/** Every allowed attempt failed; `cause` is the error of the last one. Code `retries.exhausted`, status 503. */
export class MaxRetriesExceededError extends TroupeError {
  static override readonly name: string = 'MaxRetriesExceededError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'retries.exhausted', 503))
  }
}
/** A state machine has no such transition. Code `transition.invalid`, status 409. */
export class InvalidTransitionError extends TroupeError {
  static override readonly name: string = 'InvalidTransitionError'
  constructor(message: string, options: TroupeErrorOptions = {}) {
    super(message, withDefaults(options, 'transition.invalid', 409))
  }
}
