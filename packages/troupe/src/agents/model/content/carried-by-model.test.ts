import { expect, it } from 'vitest'
import { LlmAgent, patterns } from '../../../index.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../../testing/index.ts'

const { ada } = troupesOfTests()

it('A hand-off carries a summary by rules if its model fails to summarise or answers without a text.', async () => {
  const handOff: MockItem = {
    toolCalls: [{ name: 'hand_off', args: { agent_name: 'Billing', request: 'Refund it.' } }],
  }
  for (const summary of [Object.assign(new Error('no'), { statusCode: 400 }), ' ']) {
    const model = new MockModel({ responses: [handOff, summary] })
    const billing = new MockModel({ responses: [{ toolCalls: [{ name: 'finish', args: { answer: 'Refunded.' } }] }] })
    const agents = [
      new LlmAgent({ name: 'Triage', model, handOff: { history: 'summary' } }),
      new LlmAgent({ name: 'Billing', model: billing }),
    ]
    const result = await (await ada()).orchestra.run({ task: 'My money!', topology: patterns.swarm({ agents }) })
    expect(result).toMatchObject({ response: 'Refunded.' })
    expect(model.calls).toHaveLength(2)
    expect(JSON.stringify(billing.calls[0]?.prompt)).toContain('A summary of what was said before:\\nuser: My money!')
  }
})
