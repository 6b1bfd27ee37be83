/** Which errors of services mean a prompt that is too long, with their messages. */
import { describe, expect, it } from 'vitest'
import { reportedInStream, verdictOf } from './model-failure.ts'

const tooLong = [
  "This model's maximum context length is 128000 tokens. However, your messages resulted in 130012 tokens.",
  'Your input exceeds the context window of this model. Please adjust your input and try again.',
  'prompt is too long: 208310 tokens > 200000 maximum',
  'input length and `max_tokens` exceed context limit: 190000 + 16000 > 200000',
  'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
  'Input is too long for requested model.',
  "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
  'Please reduce the length of the messages or completion.',
  'too many tokens: total number of tokens in the prompt cannot exceed 4081',
]
const others = ["Unsupported parameter: 'max_tokens' is not supported with this model.", 'Invalid value: temperature.']
const verdict = (fields: object) => verdictOf(Object.assign(new Error('Bad Request'), fields), 0)

describe('verdictOf', () => {
  it('verdictOf tells a prompt that is too long from other rejected calls, by the message or the body of the answer.', () => {
    for (const message of tooLong) {
      expect(verdict({ statusCode: 400, message })).toMatchObject({ kind: 'rejected', isTooLong: true })
      expect(verdict({ statusCode: 400, responseBody: JSON.stringify({ error: { message } }) })).toMatchObject({
        isTooLong: true,
      })
      expect(verdict({ statusCode: 401, message })).toMatchObject({ isTooLong: false })
    }
    for (const message of others) expect(verdict({ statusCode: 400, message })).toMatchObject({ isTooLong: false })
    expect(verdict({ statusCode: 413 })).toMatchObject({ kind: 'rejected', isTooLong: true })
  })

  it('verdictOf does not wait for an account whose credit is used up.', () => {
    const message = 'You exceeded your current quota, please check your plan and billing details.'
    const responseBody = JSON.stringify({ error: { message, type: 'insufficient_quota', code: 'insufficient_quota' } })
    const rejected = { kind: 'rejected', status: 429, problem: message, isTooLong: false }
    expect(verdict({ statusCode: 429, message, responseBody })).toEqual(rejected)
    expect(verdict({ statusCode: 429, message })).toMatchObject({ kind: 'limited' })
  })

  it.each([
    { code: 429, message: 'Slow down.' },
    { code: '429', message: 'Slow down.' },
    { code: 'rate_limit_exceeded', type: 'requests', message: 'Slow down.' },
    { type: 'rate_limit_error', message: 'Slow down.' },
    { status: 'RESOURCE_EXHAUSTED', message: 'Slow down.' },
  ])('verdictOf waits after a rate limit that a stream reports as %j.', (reported) => {
    expect(verdictOf(reportedInStream(reported), 0)).toMatchObject({ kind: 'limited' })
  })

  it.each([
    { type: 'overloaded_error', message: 'Overloaded' },
    { status: 'UNAVAILABLE', message: 'The model is overloaded.' },
  ])('verdictOf retries after an overload that a stream reports as %j.', (reported) => {
    expect(verdictOf(reportedInStream(reported), 0)).toMatchObject({ kind: 'failed', canRetry: true })
  })

  it('verdictOf does not wait for a used-up credit that a stream reports.', () => {
    const reported = { code: 'insufficient_quota', type: 'insufficient_quota', message: 'You exceeded your quota.' }
    expect(verdictOf(reportedInStream(reported), 0)).toMatchObject({ kind: 'rejected', status: 429 })
  })

  it('verdictOf does not retry a prompt that a stream reports as too long.', () => {
    const reported = { code: 'context_length_exceeded', message: 'Your input exceeds the limit.' }
    expect(verdictOf(reportedInStream(reported), 0)).toMatchObject({ kind: 'rejected', status: 400 })
    expect(verdictOf(reportedInStream({ message: 'overloaded' }), 0)).toMatchObject({ kind: 'failed', canRetry: true })
  })
})
