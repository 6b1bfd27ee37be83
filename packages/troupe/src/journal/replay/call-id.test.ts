import { describe, expect, it } from 'vitest'
import { finishNow } from '../../core/index.ts'
import { withoutRanges, withRanges } from './call-id.ts'

const ids = (name: string, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${name}#${first + i}`)

describe('lists of call ids', () => {
  it('A list of call ids has one text for consecutive calls of one name, and gives each id back in its place.', () => {
    const staged = [...ids('/push:a', 1, 3), ...ids('/send:note', 4, 2_000), ...ids('/push:a', 4, 11), '/push:b#1']
    const listed = finishNow(withRanges(staged))
    expect(listed).toEqual([...ids('/push:a', 1, 3), '/send:note#4-2000', '/push:a#4-11', '/push:b#1'])
    expect([...withoutRanges(listed)]).toEqual(staged)
  })

  it('A list of call ids from elsewhere does not grow beyond a million ids for each of its texts.', () => {
    expect([...withoutRanges(['/push:a#1-9007199254740991'])]).toEqual(['/push:a#1-9007199254740991'])
  })

  it('A list of call ids keeps a name that looks like a range.', () => {
    const staged = [...ids('/push:a#1-9', 1, 9), '/push:1-9#7', 'tool#2/push:x\n#3-4#1']
    expect([...withoutRanges(finishNow(withRanges(staged)))]).toEqual(staged)
  })
})
