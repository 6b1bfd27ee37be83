/** The options of a pool, and the checked settings. */
import {
  type Clock,
  checkFunction,
  checkOptions,
  type Duration,
  invalidInput,
  milliseconds,
  systemClock,
} from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'

/** Options of a `Pool`. */
export interface PoolOptions<T> {
  /** Creates a resource. */
  readonly create: () => T | Promise<T>
  /** Disposes of a resource that leaves the pool; by default it is only dropped. */
  readonly dispose?: (resource: T) => unknown
  /**
   * Called before each use; a resource that is invalid, or whose check fails, is disposed of and replaced by another.
   */
  readonly validate?: (resource: T) => boolean | Promise<boolean>
  /** The number of resources that the pool retains; 20 by default. */
  readonly size?: number
  /** The number of additional resources while demand is high, disposed of when returned; 30 by default. */
  readonly overflow?: number
  /** The number of resources created at once and never disposed of for being idle; 0 by default. */
  readonly min?: number
  /** How long to wait for a resource, including its creation and check; 30 s by default. */
  readonly acquireTimeout?: Duration
  /** The idle time after which a resource is disposed of; 5 min by default. */
  readonly idle?: Duration
  /** The maximum age of a lent resource; 1 h by default. */
  readonly maxLifetime?: Duration
  /** The machine's clock by default. */
  readonly clock?: Clock
}

/** The checked options of a pool with their defaults. */
export interface PoolSettings<T> {
  /** The original options, whose functions are called on this object. */
  readonly options: Pick<PoolOptions<T>, 'create' | 'dispose' | 'validate'>
  /** The action of a caller, as the subject of errors. */
  readonly what: string
  readonly clock: Clock
  readonly size: number
  /** `size` and `overflow` together. */
  readonly maxSize: number
  readonly min: number
  readonly acquireMs: number
  /** Undefined: a resource may be idle for any time. */
  readonly idleMs: number | undefined
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
] as const

/** @throws ValidationError naming the invalid option */
export function poolSettings<T>(options: PoolOptions<T>): PoolSettings<T> {
  checkOptions('Pool', options, known)
  checkFunction('The option create of Pool', options.create)
  for (const option of ['dispose', 'validate'] as const)
    if (options[option] !== undefined) checkFunction(`The option ${option} of Pool`, options[option])
  const size = checkInteger('Pool', 'size', options.size ?? 20)
  const maxSize = size + checkInteger('Pool', 'overflow', options.overflow ?? 30, 0)
  const min = checkInteger('Pool', 'min', options.min ?? 0, 0)
  if (min > size) throw invalidInput('The option min of Pool', 'it must be at most size')
  return {
    options,
    what: 'Acquiring from a pool',
    clock: options.clock ?? systemClock,
    size,
    maxSize,
    min,
    acquireMs: milliseconds(options.acquireTimeout ?? '30s', 'acquireTimeout'),
    idleMs: milliseconds(options.idle ?? '5m', 'idle'),
    lifetimeMs: milliseconds(options.maxLifetime ?? '1h', 'maxLifetime', '1ms'),
  }
}
