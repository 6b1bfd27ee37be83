/** What a pool is made with, and the checked values that it works with. */
import {
  type Clock,
  checkFunction,
  checkOptions,
  type Duration,
  failure,
  milliseconds,
  systemClock,
} from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'

export interface PoolOptions<T> {
  readonly create: () => T | Promise<T>
  readonly dispose?: (resource: T) => unknown
  /** Asked before each lending; one that is not valid, or whose check fails, is let go of and another is lent. */
  readonly validate?: (resource: T) => boolean | Promise<boolean>
  /** Resources kept; 20 by default. */
  readonly size?: number
  /** Made beyond it while many are wanted, and let go of when they come back; 30 by default. */
  readonly overflow?: number
  /** Made at once, and kept however idle; 0 by default. */
  readonly min?: number
  /** How long to wait for one, its making or its check included; 30 s by default. */
  readonly acquireTimeout?: Duration
  /** One that nobody wanted for so long is let go of; 5 min by default. */
  readonly idle?: Duration
  /** None is lent that is older; 1 h by default. */
  readonly maxLifetime?: Duration
  /** The machine's clock by default. */
  readonly clock?: Clock
}

/** Options of a pool with their defaults, checked. */
export interface PoolSettings<T> {
  /** Whose functions are called on it. */
  readonly options: PoolOptions<T>
  readonly clock: Clock
  readonly size: number
  /** With the overflow. */
  readonly maxSize: number
  readonly min: number
  readonly acquireMs: number
  readonly idleMs: number
  readonly lifetimeMs: number
}

const known = [
  'create',
  'dispose',
  'validate',
  'size',
  'overflow',
  'min',
  'acquireTimeout',
  'idle',
  'maxLifetime',
  'clock',
]

/** @throws ValidationError naming the option that is wrong */
export function poolSettings<T>(options: PoolOptions<T>): PoolSettings<T> {
  checkOptions('Pool', options, known)
  checkFunction('The option create of Pool', options.create)
  for (const option of ['dispose', 'validate'] as const)
    if (options[option] !== undefined) checkFunction(`The option ${option} of Pool`, options[option])
  const size = checkInteger('Pool', 'size', options.size ?? 20)
  const maxSize = size + checkInteger('Pool', 'overflow', options.overflow ?? 30, 0)
  const min = checkInteger('Pool', 'min', options.min ?? 0, 0)
  if (min > size)
    throw failure('validation.failed', { what: 'The option min of Pool', problem: 'it is more than size' })
  return {
    options,
    clock: options.clock ?? systemClock,
    size,
    maxSize,
    min,
    acquireMs: milliseconds(options.acquireTimeout ?? '30s', 'acquireTimeout'),
    idleMs: milliseconds(options.idle ?? '5m', 'idle'),
    lifetimeMs: milliseconds(options.maxLifetime ?? '1h', 'maxLifetime', '1ms'),
  }
}
