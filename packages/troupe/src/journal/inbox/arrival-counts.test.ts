import { expect, test } from 'vitest'
import { ArrivalCounts } from './arrival-counts.ts'

test('A read of an inbox shows whether it held arrivals that were not reported.', () => {
  const counts = new ArrivalCounts()
  expect(counts.wasRead('ada', 'run:r', 0)).toBe(false)
  expect(counts.wasRead('ada', 'run:r', 2)).toBe(true)
  expect(counts.wasRead('ada', 'run:r', 2)).toBe(false)
  counts.report('ada', 'run:r', 3)
  expect(counts.wasRead('ada', 'run:r', 3)).toBe(false)
  expect([counts.readUpTo('ada', 'run:r'), counts.readUpTo('bob', 'run:r')]).toEqual([3, 0])
})

test('A count of reported arrivals never falls, until all are forgotten.', () => {
  const counts = new ArrivalCounts()
  counts.report('ada', 'run:r', 3)
  counts.report('ada', 'run:r', 2)
  expect(counts.reported('ada', 'run:r')).toBe(3)
  counts.wasRead('ada', 'run:r', 4)
  counts.forgetReported()
  expect([counts.reported('ada', 'run:r'), counts.readUpTo('ada', 'run:r')]).toEqual([0, 4])
})

test('The counts of rows that changed long ago are forgotten.', () => {
  const counts = new ArrivalCounts()
  for (let i = 0; i < 20_000; i++) counts.report('ada', `run:r${i}`, 1)
  expect([counts.reported('ada', 'run:r0'), counts.reported('ada', 'run:r19999')]).toEqual([0, 1])
})
