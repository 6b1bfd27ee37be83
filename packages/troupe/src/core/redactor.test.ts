import { expect, it } from 'vitest'
import { createRedactor } from './redactor.ts'

it('A redactor removes every form of a secret from a text, and nothing else.', () => {
  const redactor = createRedactor()
  const secret = 'p"ss w/rd\n+17'
  redactor.addSecret(secret)
  redactor.addSecret('short')
  const forms = [
    secret,
    JSON.stringify({ a: secret }),
    JSON.stringify({ body: JSON.stringify({ a: secret }) }),
    `https://h/?k=${encodeURIComponent(secret)}`,
    `Basic ${Buffer.from(secret).toString('base64')}`,
  ]
  for (const form of forms) {
    const clean = redactor.redact(form)
    expect(clean).toContain('[redacted]')
    expect(clean).not.toMatch(/ss w|w%2Frd/)
  }
  expect(redactor.redact('short and plain')).toBe('short and plain')
})

it('A redactor removes a secret from hex, percent-encoded bytes and base64 at any position.', () => {
  const redactor = createRedactor()
  const secret = 'p"ss w/rd~?>+17'
  redactor.addSecret(secret)
  const hex = Buffer.from(secret).toString('hex')
  expect(redactor.redact(`${hex} ${hex.toUpperCase()}`)).toBe('[redacted] [redacted]')
  expect(redactor.redact(hex.replace(/../g, '%$&'))).toBe('[redacted]')
  expect(redactor.redact(encodeURIComponent(secret).replace(/%../g, (byte) => byte.toLowerCase()))).toBe('[redacted]')
  for (const user of ['', 'u', 'us', 'user:'])
    for (const encoding of ['base64', 'base64url'] as const) {
      const clean = redactor.redact(Buffer.from(`${user}${secret}@host`).toString(encoding))
      expect(clean).toContain('[redacted]')
      expect(Buffer.from(clean.replace('[redacted]', ''), encoding).toString()).not.toContain(secret.slice(2, -2))
    }
})

it('A redactor stores a thousand secrets: the first five hundred and the newest.', () => {
  const redactor = createRedactor()
  redactor.addSecret('key-of-a-model')
  for (let i = 0; i < 3_000; i++) redactor.addSecret(`token-${i}.`)
  const lines = redactor.redact('key-of-a-model token-498. token-499. token-2499. token-2500. token-2999.')
  expect(lines).toBe('[redacted] [redacted] token-499. token-2499. [redacted] [redacted]')
})

it('A redactor removes the longer of two nested secrets.', () => {
  const redactor = createRedactor()
  for (const secret of ['secret-9', 'secret-99']) redactor.addSecret(secret)
  expect(redactor.redact('secret-99 secret-9')).toBe('[redacted] [redacted]')
})
