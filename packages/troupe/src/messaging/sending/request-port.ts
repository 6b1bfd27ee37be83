/** The port of requests: outside of a step a row gets the answer, in a step a recorded wait does. */
import { duration, failure, invalidInput, type Json, milliseconds } from '../../core/index.ts'
import type { RequestOptions } from '../message-client.ts'
import type { MessageType } from '../message-type.ts'
import { checkSend, commonOptions, type Encoded } from './compose-message.ts'

export interface CheckedRequest extends RequestOptions {
  readonly timeoutMs: number
}

export interface RequestPort {
  /** @throws ValidationError for an option that is not supported here */
  check(options: CheckedRequest): void
  /**
   * @returns the answer of the recipient
   * @throws TimeoutError, CancelledError, or the error of the recipient
   */
  request(type: MessageType, payload: Promise<Encoded>, options: CheckedRequest): Promise<Json>
}

const requestOptions = ['to', 'timeout', 'priority', 'threadId', 'metadata', 'signal']

/**
 * @returns a copy of the options, and the timeout in ms
 * @throws ValidationError
 */
export function checkRequest(options: RequestOptions): CheckedRequest {
  const checked = checkSend('request', options, ['to', 'timeout'])
  for (const name of commonOptions)
    if (!requestOptions.includes(name) && Object.hasOwn(options, name))
      throw failure('option.unknown', {
        where: 'request',
        option: name,
        nearest: `one of ${requestOptions.join(', ')}`,
      })
  const timeoutMs = milliseconds(options.timeout ?? '30s', 'timeout')
  if (timeoutMs <= 0) throw invalidInput('timeout', 'it must be longer than 0')
  return { ...checked, timeoutMs }
}

/** Returns the options of the request's message, which is not delivered after the timeout. */
export function requestTerms({ to: _, timeout: __, timeoutMs, signal: ___, ...common }: CheckedRequest) {
  return { ...common, ttl: duration(timeoutMs) }
}
