import { expect, it } from 'vitest'
import type { LivePart } from '../models-port.ts'
import { LiveText } from './read-stream.ts'

/** Returns what a listener shows after some attempts. Pieces of text in parentheses are reasoning; the last attempt answers. */
function shownAfter(...attempts: readonly (readonly string[])[]): string {
  let shown = ''
  const live = new LiveText((part: LivePart) => {
    if (part.type === 'reset') shown = ''
    else shown += part.delta
  })
  for (const pieces of attempts) {
    live.begin()
    for (const piece of pieces) live[piece.startsWith('(') ? 'reasoning' : 'text'](piece)
  }
  live.end()
  return shown
}

it('A live text ends as the text of the attempt that has answered.', () => {
  expect(shownAfter(['one ', 'two'])).toBe('one two')
  expect(shownAfter(['one ', 'two'], ['one two three'])).toBe('one two three')
  expect(shownAfter(['one ', 'two'], ['one ', 'other'])).toBe('one other')
  expect(shownAfter(['one ', 'two'], ['one '])).toBe('one ')
  expect(shownAfter(['I will search.'], [])).toBe('')
  expect(shownAfter([], ['one'])).toBe('one')
})

it('A live text has the reasoning of the attempt that has answered once.', () => {
  expect(shownAfter(['(a)', 'one'])).toBe('(a)one')
  expect(shownAfter(['(a)'], ['(a)', '(b)', 'one'])).toBe('(a)(b)one')
  expect(shownAfter(['(a)', 'one '], ['(b)', 'one two'])).toBe('(b)one two')
  expect(shownAfter(['one '], ['(b)', 'other'])).toBe('(b)other')
  expect(shownAfter(['one two'], ['one ', '(b)', 'other'])).toBe('one (b)other')
  expect(shownAfter(['one '], ['other ', '(b)', 'end'])).toBe('other (b)end')
  expect(shownAfter(['(a)'], ['(b)'], ['(c)', 'one'])).toBe('(c)one')
})
