import { expect, it, vi } from 'vitest'
import { titleOf } from './title-of.ts'

const rows = Array.from({ length: 20_000 }, (_, id) => ({
  id,
  name: 'a row',
  __proto__: null,
  tags: [[], {}, null, true],
}))

it('The title of a long value is the beginning of its JSON.', () => {
  const values = [
    rows,
    { [`k${'"'.repeat(5_000)}`]: rows },
    { 7: 1, text: ' \n'.repeat(3_000), rows },
    ['x'.repeat(4_000), rows],
    [[[['\ud83d\ude00'.repeat(40_000)]]], -1.5],
    JSON.parse(`{"__proto__":{"a":1},"b":"${'c'.repeat(70_000)}"}`),
  ]
  for (const value of values) expect(titleOf(value)).toBe(titleOf(JSON.stringify(value)))
})

it('The title of a long value needs no text of all of it.', () => {
  const stringify = vi.spyOn(JSON, 'stringify')
  try {
    titleOf(rows)
    expect(stringify.mock.results.map(({ value }) => (value as string).length < 20_000)).toEqual([true])
  } finally {
    stringify.mockRestore()
  }
})
