/** Ceilings of budgets: of a team, and of all runs of a troupe. */
import { describe, expect, it } from 'vitest'
import { defineAgent, defineTopology } from '../../index.ts'
import { readConfig } from './run-config.ts'
import { lowerLimits, readRunLimits } from './run-limits.ts'

const agent = defineAgent({ name: 'A', run: () => 1 })
const team = (budget: object) => defineTopology({ agents: [agent], flows: ['A -> End'], config: { budget } }).canonical

describe('the budget of a run', () => {
  it('The budget of a run is the default without a config, and the limit of the troupe if that is lower.', () => {
    expect(readConfig().budget).toEqual({ steps: 10_000, depth: 100, hops: 10_000, branches: 2_000, time: 3_600_000 })
    const limits = readRunLimits('limits.run', { steps: 7, tokens: 9, cost: 0.5, time: '1m' })
    const budget = { steps: 7, depth: 100, hops: 10_000, branches: 2_000, tokens: 9, cost: 0.5, time: 60_000 }
    expect(readConfig({}, undefined, limits).budget).toEqual(budget)
  })
  it('The budget of a run may exceed a default, but never the budget of its team or the limit of the troupe.', () => {
    expect(readConfig({ budget: { steps: 20_000 } }).budget.steps).toBe(20_000)
    const topology = team({ tokens: 5_000, steps: 30_000 })
    expect(readConfig({ budget: { steps: 3 } }, topology).budget).toMatchObject({ steps: 3, tokens: 5_000 })
    expect(() => readConfig({ budget: { tokens: 5_001 } }, topology)).toThrow(
      expect.objectContaining({
        code: 'budget.ceiling',
        message: expect.stringContaining('5000, the ceiling of its team'),
      }),
    )
    expect(() => readConfig({ budget: { tokens: 101 } }, topology, { tokens: 100 })).toThrow(
      expect.objectContaining({ code: 'budget.ceiling', message: expect.stringContaining('limits.run') }),
    )
    expect(readConfig({ budget: { tokens: 100 } }, topology, { tokens: 100 }).budget.tokens).toBe(100)
  })
  it('The budget of a team that exceeds the limit of the troupe is reduced to the limit.', () => {
    expect(readConfig({}, team({ tokens: 5_000 }), { tokens: 100 }).budget.tokens).toBe(100)
  })
})

describe('limits', () => {
  it('The run limits are read by name and checked against their bounds.', () => {
    expect(readRunLimits('limits.run')).toEqual({})
    expect(readRunLimits('limits.run', { depth: 3, time: undefined } as object)).toEqual({ depth: 3 })
    for (const limits of [
      { step: 1 },
      { steps: 0 },
      { steps: 1.5 },
      { steps: '1' },
      { depth: 1_001 },
      { tokens: -1 },
      { tokens: '9' },
      { cost: Number.POSITIVE_INFINITY },
      { cost: 2 ** 53 },
      { tokens: 1e300 },
      { time: '0s' },
      { time: 5 },
      { hops: null },
    ])
      expect(() => readRunLimits('limits.run', limits as object), JSON.stringify(limits)).toThrow(/limits\.run/)
  })
  it('The lower of two limits applies.', () => {
    expect(lowerLimits({ steps: 5, cost: 2 }, { steps: 9, cost: 1, tokens: 3 })).toEqual({
      steps: 5,
      cost: 1,
      tokens: 3,
    })
  })
})
