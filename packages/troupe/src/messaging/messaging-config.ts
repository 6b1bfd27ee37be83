/** What `createTroupe({ messaging })` takes, and the same with every default filled in and durations in milliseconds. */
import { checkOptions, type Duration, failure, milliseconds, show } from '../core/index.ts'
import type { SignatureConfig } from '../security/index.ts'

export interface MessagingConfig {
  /** How long a delivery stays with its consumer; 30 s by default. */
  readonly lease?: Duration
  /** Deliveries before a message goes to the dead letters; 5 by default. */
  readonly maxAttempts?: number
  /** Of each mailbox: 10,000 messages and 64 MB by default. Delivered but unsettled ones count. */
  readonly capacity?: { readonly count?: number; readonly bytes?: number }
  /** What a full mailbox does; `reject` by default. */
  readonly backpressure?: 'reject' | 'wait' | 'drop-oldest'
  /**
   * For how long after the acknowledgement it is kept what a worker's handler recorded: its effects and answers; 24 h by
   * default. Of handlers that failed it is kept as long as a dead letter may be redriven, 30 days, or until another try
   * succeeds.
   */
  readonly retention?: Duration
  /** How long a `dedupeId` is known, and its row stays on disk, after the send; 24 h by default, 1 s at least. */
  readonly dedupe?: Duration
  /** Proves who sent a message, to whoever receives it; off where absent. */
  readonly signatures?: SignatureConfig
}

export interface MessagingSettings {
  readonly leaseMs: number
  readonly maxAttempts: number
  readonly maxCount: number
  readonly maxBytes: number
  readonly backpressure: 'reject' | 'wait' | 'drop-oldest'
  readonly retentionMs: number
  readonly dedupeMs: number
}

const integer = (value: unknown, what: string): number => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw failure('validation.failed', { what, problem: `it must be a whole number from 1, not ${show(value)}` })
  return value
}

const longerThanNothing = (value: unknown, what: string): number => {
  const ms = milliseconds(value, what)
  if (ms < 1) throw failure('validation.failed', { what, problem: 'it must be longer than nothing' })
  return ms
}

/** @throws ValidationError for an unknown option or a value out of its range */
export function messagingSettings(config: MessagingConfig = {}): MessagingSettings {
  checkOptions('messaging', config, [
    'lease',
    'maxAttempts',
    'capacity',
    'backpressure',
    'retention',
    'dedupe',
    'signatures',
  ])
  const capacity = config.capacity ?? {}
  checkOptions('messaging.capacity', capacity, ['count', 'bytes'])
  const backpressure = config.backpressure ?? 'reject'
  if (!['reject', 'wait', 'drop-oldest'].includes(backpressure))
    throw failure('validation.failed', {
      what: 'messaging.backpressure',
      problem: `it is ${show(backpressure)}, not one of reject, wait, drop-oldest`,
    })
  const leaseMs = longerThanNothing(config.lease ?? '30s', 'messaging.lease')
  return {
    leaseMs,
    maxAttempts: integer(config.maxAttempts ?? 5, 'messaging.maxAttempts'),
    maxCount: integer(capacity.count ?? 10_000, 'messaging.capacity.count'),
    maxBytes: integer(capacity.bytes ?? 64 * 1024 * 1024, 'messaging.capacity.bytes'),
    backpressure,
    retentionMs: longerThanNothing(config.retention ?? '24h', 'messaging.retention'),
    dedupeMs: milliseconds(config.dedupe ?? '24h', 'messaging.dedupe', '1s'),
  }
}
