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
  ])('brings the forms of one word together: %s', (term, text) => {
    expect(new Set(termsOf(text))).toEqual(new Set([term]))
  })

  it('finds names by their parts and as a whole', () => {
    expect(termsOf('maxRetries')).toEqual(['max', 'retri', 'maxretri'])
    expect(termsOf('AI_RetryError')).toContain('retri')
  })

  it('leaves out words that say nothing, and runs of characters that are no words', () => {
    expect(termsOf('how is the tea?')).toEqual(['tea'])
    expect(termsOf('A'.repeat(65))).toEqual([])
  })

  it('pairs the characters of scripts without spaces', () => {
    expect(termsOf('日本語')).toEqual(['日本', '本語'])
  })
})
