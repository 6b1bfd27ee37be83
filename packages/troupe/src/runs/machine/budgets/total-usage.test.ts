import { describe, expect, it } from 'vitest'
import type { Input, StepUsage } from '../machine-events.ts'
import { slow, team } from '../machine-teams.test.fixture.ts'
import { MachineTestbed } from '../machine-testbed.test.fixture.ts'
import { loadState, saveState } from '../save-state.ts'
import { totalUsage, usageByModel } from './total-usage.ts'

const usage: StepUsage = { inputTokens: 100, outputTokens: 10, cost: 0.5, unknown: ['other/model'] }
const lone = () => new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: slow(60_000) })
const submit = (testbed: MachineTestbed, input: Record<string, unknown>) =>
  testbed.apply({ at: testbed.now, step: '1#1', ...input } as unknown as Input)
const waits = (testbed: MachineTestbed, more: object = {}) =>
  submit(testbed, { type: 'step.waiting', reason: 'parked', detail: [], ...more })
const ends = { type: 'step.returned', outcome: { kind: 'value', value: 1 } }

describe('the usage of a run', () => {
  it('A run counts what a waiting step has used so far until the end of the step says it anew.', () => {
    const testbed = lone()
    waits(testbed, { usage })
    const shown = { usage: { inputTokens: 100, outputTokens: 10 }, cost: { usd: 0.5, unknown: ['other/model'] } }
    expect(testbed.result).toMatchObject(shown)
    expect(totalUsage(loadState(saveState(testbed.state)))).toEqual(totalUsage(testbed.state))
    expect(totalUsage(testbed.state, '1#1')).toMatchObject({ inputTokens: 0, cost: 0 })
    submit(testbed, { type: 'step.resumed' })
    submit(testbed, { ...ends, usage: { inputTokens: 300, outputTokens: 30 } })
    expect(testbed.result).toMatchObject({ status: 'completed', usage: { inputTokens: 300, outputTokens: 30 } })
  })

  it('A run keeps what a step had used that ends without saying it.', () => {
    const testbed = lone()
    waits(testbed, { usage: { inputTokens: 5, outputTokens: 1 } })
    expect(testbed.result).toMatchObject({ usage: { inputTokens: 5, outputTokens: 1 }, cost: { usd: 0, unknown: [] } })
    submit(testbed, ends)
    expect(testbed.result).toMatchObject({ status: 'completed', usage: { inputTokens: 5, outputTokens: 1 } })
  })

  it('A run counts what a waiting child run has used so far until it is charged.', () => {
    const testbed = lone()
    const child = { type: 'child.waiting', child: 'r.1', reason: 'question', questions: [] }
    waits(testbed, { children: ['r.1'] })
    submit(testbed, child)
    expect(testbed.result.usage).toEqual({ inputTokens: 0, outputTokens: 0 })
    submit(testbed, { ...child, usage })
    expect(testbed.result.usage).toEqual({ inputTokens: 100, outputTokens: 10 })
    submit(testbed, { type: 'run.charged', run: 'r.1', steps: 2, usage: { inputTokens: 200, outputTokens: 20 } })
    expect(testbed.result).toMatchObject({ totalSteps: 3, usage: { inputTokens: 200, outputTokens: 20 } })
  })

  it('A run counts its own steps by model, those that wait included, and no child run.', () => {
    const testbed = lone()
    const models = (inputTokens: number) => ({ 'p/m': { inputTokens, outputTokens: 1, cost: 0.5 } })
    waits(testbed, { usage: { ...usage, models: models(100) }, children: ['r.1'] })
    submit(testbed, { type: 'child.waiting', child: 'r.1', reason: 'question', questions: [], usage })
    expect(usageByModel(testbed.state)).toEqual(models(100))
    expect(usageByModel(loadState(saveState(testbed.state)))).toEqual(models(100))
    submit(testbed, { type: 'run.charged', run: 'r.1', steps: 2, usage })
    submit(testbed, { type: 'step.resumed' })
    submit(testbed, { ...ends, usage: { ...usage, models: models(300) } })
    expect(usageByModel(testbed.state)).toEqual(models(300))
  })

  it('A state of a release that counted no models has none.', () => {
    const { state } = lone()
    const saved = saveState(state) as { budgets: { usage: { models?: unknown } } }
    const { models: _, ...earlier } = saved.budgets.usage
    const loaded = loadState({ ...saved, budgets: { ...saved.budgets, usage: earlier } } as never)
    expect(usageByModel(loaded)).toEqual({})
  })
})
