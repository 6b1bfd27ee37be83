import { expect, it } from 'vitest'
import { heldText } from './budget-use.ts'

it('The text names what is held and by whom, and says where more runs hold some.', () => {
  expect(heldText({})).toBe('')
  const by = [
    { run: 'a', held: 8 },
    { run: 'b', held: 4 },
  ]
  expect(heldText({ held: 12, by })).toBe(', 12 held by a (8), b (4)')
  expect(heldText({ held: 15, by })).toBe(', 15 held by a (8), b (4) and other runs')
})
