import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitQuestion } from './split-question.ts'

describe('splitQuestion', () => {
  it.each([
    ['What is tea and how is it made?', ['What is tea?', 'How is it made?']],
    ['What is tea? Who drinks it?', ['What is tea?', 'Who drinks it?']],
    [
      'How does the queue retry jobs and limit concurrency?',
      ['How does the queue retry jobs?', 'How does the queue limit concurrency?'],
    ],
    [
      'How should a server handle errors, retries and timeouts, and cache responses?',
      ['How should a server handle errors, retries and timeouts?', 'How should a server cache responses?'],
    ],
    [
      'Explain retries, timeouts and circuit breakers in cockatiel.',
      ['Explain retries in cockatiel.', 'Explain timeouts in cockatiel.', 'Explain circuit breakers in cockatiel.'],
    ],
    [
      'What are the differences between cats, dogs and birds?',
      ['What are the differences between cats, dogs and birds?'],
    ],
    ['How do I keep it fast?', ['How do I keep it fast?']],
    ['x', ['x']],
    ['', ['']],
  ])('%s', (question, parts) => {
    expect(splitQuestion(question)).toEqual(parts)
  })

  it('splitQuestion gives one to eight different questions for any text.', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('how', 'and', ',', 'stop', 'the queue', 'is', '?', 'cache', 'or', ';', 'ü')),
        (words) => {
          const parts = splitQuestion(words.join(' '))
          expect(parts.length).toBeGreaterThanOrEqual(1)
          expect(parts.length).toBeLessThanOrEqual(8)
          expect(new Set(parts).size).toBe(parts.length)
        },
      ),
    )
  })
})
