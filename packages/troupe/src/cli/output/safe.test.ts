import { expect, it } from 'vitest'
import { oneLine, safe } from './safe.ts'

it('what would steer a terminal is shown as its code, and lines and tabs stay', () => {
  expect(safe('\u001b[31mred\u0007\r\u009b1m')).toBe('\\u001b[31mred\\u0007\\u000d\\u009b1m')
  expect(safe('one\n\ttwo')).toBe('one\n\ttwo')
  // What turns the order of writing around, so that one thing reads as another.
  expect(safe('a\u202etxt.exe\u2066')).toBe('a\\u202etxt.exe\\u2066')
})

it('one line is one line, within its width, and cuts no letter in half', () => {
  expect(oneLine(' a\n b\t c ')).toBe('a b c')
  expect(oneLine({ a: '\u001b' })).toBe('{"a":"\\u001b"}')
  expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…')
  expect(oneLine(undefined)).toBe('')
})
