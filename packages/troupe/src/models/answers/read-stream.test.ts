import { expect, it } from 'vitest'
import type { LivePart } from '../models-port.ts'
import { LiveText } from './read-stream.ts'

/** Returns the text that a listener shows after some attempts, each with its pieces of text; the last one answers. */
function shownAfter(...attempts: readonly (readonly string[])[]): string {
  let shown = ''
  const live = new LiveText((part: LivePart) => {
    if (part.type === 'reset') shown = ''
    else shown += part.delta
  })
  for (const pieces of attempts) {
    live.begin()
    for (const piece of pieces) live.text(piece)
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
