import { expect, it } from 'vitest'
import { messagingSettings } from './messaging-config.ts'

it('The default lease is 30 s, a message has 5 attempts, and a mailbox rejects more than 10,000 messages or 64 MB.', () => {
  expect(messagingSettings()).toEqual({
    leaseMs: 30_000,
    maxAttempts: 5,
    maxCount: 10_000,
    maxBytes: 64 * 1024 * 1024,
    backpressure: 'reject',
    retentionMs: 24 * 3_600_000,
    dedupeMs: 24 * 3_600_000,
  })
})
it.each([
  [{ lease: '0s' }, /lease/],
  [{ maxAttempts: 0 }, /maxAttempts.*0/],
  [{ maxAttempts: 1.5 }, /maxAttempts.*1.5/],
  [{ capacity: { count: -1 } }, /capacity.count.*-1/],
  [{ capacity: { bytes: Number.POSITIVE_INFINITY } }, /capacity.bytes.*Infinity/],
  [{ capacity: { bytes: 999 } }, /capacity.bytes.*from 1000, not 999/],
  [{ capacity: { size: 1 } }, /size/],
  [{ backpressure: 'drop-newest' }, /drop-newest.*drop-oldest/],
  [{ leases: '1s' }, /leases/],
])('The messaging options %o are rejected with a reason.', (config, problem) => {
  expect(() => messagingSettings(config as never)).toThrow(problem)
})
