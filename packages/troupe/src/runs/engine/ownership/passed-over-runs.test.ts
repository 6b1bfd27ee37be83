import { expect, test } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { PassedOverRuns } from './passed-over-runs.ts'

test('A run that was passed over is tried again after 30 seconds.', async () => {
  const clock = createVirtualClock()
  const runs = new PassedOverRuns(clock)
  runs.expire()
  runs.add('ada', 'r')
  expect([runs.has('ada', 'r'), runs.has('bob', 'r'), runs.has('ada', 's')]).toEqual([true, false, false])
  await clock.advance('29s')
  runs.expire()
  expect(runs.has('ada', 'r')).toBe(true)
  await clock.advance('1s')
  runs.expire()
  expect(runs.has('ada', 'r')).toBe(false)
})

test('A process remembers at most 10,000 runs that it passed over.', () => {
  const runs = new PassedOverRuns(createVirtualClock())
  for (let i = 0; i <= 10_000; i++) runs.add('ada', `${i}`)
  expect([runs.has('ada', '9999'), runs.has('ada', '10000')]).toEqual([true, false])
})
