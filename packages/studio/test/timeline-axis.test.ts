/** The axis of the timeline: long times without work are folded, and all else is drawn as long as it lasted. */
import { expect, it } from 'vitest'
import type { Step } from '../src/run-state.ts'
import { axisOf } from '../src/views/timeline-axis.ts'

const stepFrom = (began: number, ended?: number, waits: Step['waits'] = []): Step => ({
  id: `${began}`,
  branch: '1',
  node: 'A',
  agent: 'A',
  depth: 0,
  began,
  attempt: 1,
  state: 'done',
  ...(ended === undefined ? {} : { ended }),
  waits,
  tokens: 0,
  cost: 0,
  shared: { tokens: 0, cost: 0 },
})

it('A wait of minutes is a short piece of the axis, and the work beside it stays visible.', () => {
  const wait = { from: 4_000, to: 604_000 }
  const { at, folds, ticks } = axisOf([stepFrom(0, 2_000), stepFrom(2_000, 606_000, [wait])], 606_000, true)
  expect(folds).toHaveLength(1)
  expect(folds[0]?.lasted).toBe(600_000)
  // 6 s of work, and a fold as long as a fifth of it.
  expect(at(2_000)).toBeCloseTo(2 / 7.2)
  expect(folds[0]).toMatchObject({ start: at(4_000), size: expect.closeTo(1.2 / 7.2) })
  expect(at(604_000)).toBeCloseTo(5.2 / 7.2)
  expect([at(0), at(606_000), at(700_000)]).toEqual([0, 1, 1])
  // A tick that the text of the fold covers is left out, and time within the fold does not count.
  expect(ticks.map(({ at: position }) => position)).toEqual([0, 0.25, 0.75])
  expect(ticks.at(-1)?.elapsed).toBeCloseTo(0.75 * 7_200 - 1_200)
})

it('The axis follows the wall clock where it is asked for, where a step works beside a wait, and where waits are short.', () => {
  const waiting = stepFrom(0, 606_000, [{ from: 4_000, to: 604_000 }])
  for (const axis of [
    axisOf([waiting], 606_000, false),
    axisOf([waiting, stepFrom(3_000, 605_000)], 606_000, true),
    axisOf([stepFrom(0, 606_000, [{ from: 100_000, to: 350_000 }])], 606_000, true),
  ]) {
    expect(axis.folds).toEqual([])
    expect(axis.at(303_000)).toBeCloseTo(0.5)
  }
})

it('Many waits keep a part of the axis for the work, and a step without an end works until now.', () => {
  const steps = Array.from({ length: 20 }, (_, i) => stepFrom(i * 10_000, i * 10_000 + 100))
  const { at, folds } = axisOf([...steps, stepFrom(500_000)], 500_500, true)
  const folded = folds.reduce((sum, { size }) => sum + size, 0)
  expect(folds).toHaveLength(20)
  expect(folded).toBeLessThan(0.5)
  for (let time = 0; time < 500_500; time += 50) expect(at(time)).toBeLessThanOrEqual(at(time + 50))
  const open = axisOf([stepFrom(0, 100), stepFrom(100_000)], 100_100, true)
  expect(open.folds).toHaveLength(1)
  expect(open.at(100_000)).toBeLessThan(0.6)
  expect(axisOf([], 1, true).folds).toEqual([])
})
