import { describe, expect, it } from 'vitest'
import { termsOf } from './terms.ts'

describe('termsOf', () => {
  it.each([
    ['retri', 'retries Retrying retried'],
    ['cach', 'cache caches caching'],
    ['limit', 'limits limiting limited'],
    ['handl', 'handle handles handling handled'],
    ['stop', 'stops stopping stopped'],
    ['class', 'class classes'],
  ])('termsOf maps the forms of one word to one term: %s.', (term, text) => {
    expect(new Set(termsOf(text))).toEqual(new Set([term]))
  })

  it('termsOf finds names by their parts and as a whole.', () => {
    expect(termsOf('maxRetries')).toEqual(['max', 'retri', 'maxretri'])
    expect(termsOf('AI_RetryError')).toContain('retri')
  })

  it('termsOf omits stop words, and long runs of characters.', () => {
    expect(termsOf('how is the tea?')).toEqual(['tea'])
    expect(termsOf('A'.repeat(65))).toEqual([])
  })

  it('termsOf pairs the characters of scripts without spaces.', () => {
    expect(termsOf('日本語')).toEqual(['日本', '本語'])
  })
})
