/** How a request gets its answer: outside a step by a row where the answer is put, in a step by a wait of its record. */
import { duration, failure, type Json, milliseconds } from '../../core/index.ts'
import type { RequestOptions } from '../message-client.ts'
import type { MessageType } from '../message-type.ts'
import { checkSend, commonOptions, type Encoded } from './compose-message.ts'

export interface CheckedRequest extends RequestOptions {
  readonly timeoutMs: number
}

export interface RequestPort {
  /** @throws ValidationError for an option that cannot be had here */
  check(options: CheckedRequest): void
  /**
   * @returns what the recipient answered
   * @throws TimeoutError, CancelledError, or what the recipient failed with
   */
  request(type: MessageType, payload: Promise<Encoded>, options: CheckedRequest): Promise<Json>
}

const requestOptions = ['to', 'timeout', 'priority', 'threadId', 'metadata', 'signal']

/**
 * @returns the options as they are now, and the timeout as a number
 * @throws ValidationError
 */
export function checkRequest(options: RequestOptions): CheckedRequest {
  const checked = checkSend('request', options, ['to', 'timeout'])
  for (const name of commonOptions)
    if (!requestOptions.includes(name) && Object.hasOwn(options, name))
      throw failure('option.unknown', { where: 'request', option: name, nearest: requestOptions.join(', ') })
  const timeoutMs = milliseconds(options.timeout ?? '30s', 'timeout')
  if (timeoutMs <= 0) throw failure('validation.failed', { what: 'timeout', problem: 'it must be longer than nothing' })
  return { ...checked, timeoutMs }
}

/** What a request sends along; it is not delivered after its timeout. */
export function requestTerms({ to: _, timeout: __, timeoutMs, signal: ___, ...common }: CheckedRequest) {
  return { ...common, ttl: duration(timeoutMs) }
}
