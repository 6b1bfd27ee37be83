/** The options `createTroupe({ messaging })`, and the same with all defaults and durations in milliseconds. */
import { checkOptions, type Duration, invalidInput, milliseconds, show } from '../core/index.ts'
import type { SignatureConfig } from '../security/index.ts'

/** The option `messaging` of `createTroupe`. */
export interface MessagingConfig {
  /**
   * How long a receiver holds a message before it is delivered again; 30 s by default. A worker renews the lease while
   * its handler works.
   */
  readonly lease?: Duration
  /** The number of deliveries before a message becomes a dead letter; 5 by default. */
  readonly maxAttempts?: number
  /** The capacity of each mailbox. Messages that are delivered and not yet acknowledged count. */
  readonly capacity?: {
    /** The highest number of messages; 10,000 by default. */
    readonly count?: number
    /** The highest number of bytes of their payloads and metadata; 64 MiB by default, at least 1,000. */
    readonly bytes?: number
  }
  /**
   * Says what happens to a message for a full mailbox: `reject`, the default, rejects it with `mailbox.full`; `wait`
   * waits for space; `drop-oldest` removes the oldest messages.
   */
  readonly backpressure?: 'reject' | 'wait' | 'drop-oldest'
  /**
   * How long after the acknowledgement the journal of a worker's handler is stored, with its effects and answers; 24 h
   * by default. The journal of a failed handler is stored until a later attempt succeeds, for at most 30 days, in which
   * its dead letter can be redriven.
   */
  readonly retention?: Duration
  /** How long a `dedupeId` is known after the send; 24 h by default, at least 1 s. */
  readonly dedupe?: Duration
  /** Signs messages, so that receivers can verify the sender; absent, messages are not signed. */
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

/** A mailbox with less space would reject each message because of its metadata, the messages of health checks too. */
const leastBytes = 1_000

const integer = (value: unknown, what: string, least = 1): number => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw invalidInput(what, `it must be a whole number from ${least}, not ${show(value)}`)
  return value
}

/** @throws ValidationError for an invalid duration, and for one below 1 ms */
export const longerThanNothing = (value: unknown, what: string): number => {
  const ms = milliseconds(value, what)
  if (ms < 1) throw invalidInput(what, 'it must be longer than 0')
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
    throw invalidInput('messaging.backpressure', `it is ${show(backpressure)}, not one of reject, wait, drop-oldest`)
  const leaseMs = longerThanNothing(config.lease ?? '30s', 'messaging.lease')
  return {
    leaseMs,
    maxAttempts: integer(config.maxAttempts ?? 5, 'messaging.maxAttempts'),
    maxCount: integer(capacity.count ?? 10_000, 'messaging.capacity.count'),
    maxBytes: integer(capacity.bytes ?? 64 * 1024 * 1024, 'messaging.capacity.bytes', leastBytes),
    backpressure,
    retentionMs: longerThanNothing(config.retention ?? '24h', 'messaging.retention'),
    dedupeMs: milliseconds(config.dedupe ?? '24h', 'messaging.dedupe', '1s'),
  }
}
