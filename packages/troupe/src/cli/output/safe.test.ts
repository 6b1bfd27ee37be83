import { expect, it } from 'vitest'
import { oneLine, safe } from './safe.ts'

it('`safe` shows control characters as codes, and preserves lines and tabs.', () => {
  expect(safe('\u001b[31mred\u0007\r\u009b1m')).toBe('\\u001b[31mred\\u0007\\u000d\\u009b1m')
  expect(safe('one\n\ttwo')).toBe('one\n\ttwo')
  // What turns the order of writing around, so that one thing reads as another.
  expect(safe('a\u202etxt.exe\u2066')).toBe('a\\u202etxt.exe\\u2066')
})

it('oneLine returns one line within its width, and cuts no character in half.', () => {
  expect(oneLine(' a\n b\t c ')).toBe('a b c')
  expect(oneLine({ a: '\u001b' })).toBe('{"a":"\\u001b"}')
  expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…')
  expect(oneLine(undefined)).toBe('')
})
