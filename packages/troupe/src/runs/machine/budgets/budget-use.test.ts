import { expect, it } from 'vitest'
import { heldText } from './budget-use.ts'

it('The message of an exhausted shared budget names the reserved amounts and the runs that hold them.', () => {
  expect(heldText({})).toBe('')
  const by = [
    { run: 'a', held: 8 },
    { run: 'b', held: 4 },
  ]
  expect(heldText({ held: 12, by })).toBe(', 12 held by a (8), b (4)')
  expect(heldText({ held: 15, by })).toBe(', 15 held by a (8), b (4) and other runs')
})
