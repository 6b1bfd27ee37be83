import { describe, expect, it } from 'vitest'
import { call, resultsIn, stage, team } from './llm-step.test.fixture.ts'

describe('coordination tools of a step', () => {
  it('A step of an LlmAgent offers the coordination tools that the topology permits, with the names as choices.', async () => {
    const { step, model } = stage([call('finish', { answer: 'done' })])
    expect(await step('go', { flow: team })).toMatchObject({ kind: 'finish', value: 'done' })
    expect(model.calls[0]?.tools?.map((tool) => tool.name)).toEqual(['invoke_agent', 'finish'])
    expect(JSON.stringify(model.calls[0]?.tools)).toMatch(/"enum":\["B","C"\]/)
  })

  it('A step of an LlmAgent follows the first coordination call of a turn, rejects the others, and later gets the results as its answer.', async () => {
    const invocations = [{ agent_name: 'B', request: 'x' }]
    const { step, model, stored } = stage([
      {
        toolCalls: [
          { name: 'invoke_agent', args: { invocations } },
          { name: 'finish', args: { answer: 'early' } },
        ],
      },
      call('finish', { answer: 'late' }),
    ])
    expect(await step('go', { flow: team })).toMatchObject({ kind: 'invoke', targets: [{ agent: 'B', input: 'x' }] })
    const results = [{ agent: 'B', success: true, value: 'from B' }]
    expect(await step({ results }, { flow: team, results })).toMatchObject({ kind: 'finish', value: 'late' })
    const resultTexts = resultsIn(model, 1)
    expect(resultTexts).toHaveLength(2)
    expect(resultTexts.join()).toMatch(/first coordination call/)
    expect(resultTexts.join()).toMatch(/from B/)
    expect(stored).toHaveLength(6)
  })

  it('A step of an LlmAgent invokes the agents of several invoke_agent calls together, and gives each call its results.', async () => {
    const invoking = (...agents: readonly string[]) => ({
      name: 'invoke_agent',
      args: { invocations: agents.map((agent) => ({ agent_name: agent, request: `for ${agent}` })) },
    })
    const { step, model } = stage([
      { toolCalls: [invoking('B'), invoking('C', 'B'), { name: 'finish', args: { answer: 'early' } }] },
      call('finish', { answer: 'late' }),
    ])
    expect(await step('go', { flow: team })).toMatchObject({
      kind: 'invoke',
      targets: [{ agent: 'B' }, { agent: 'C' }, { agent: 'B' }],
    })
    const results = ['B', 'C', 'B'].map((agent, i) => ({ agent, success: true, value: `answer ${i}` }))
    expect(await step({ results }, { flow: team, results })).toMatchObject({ kind: 'finish', value: 'late' })
    const [early, first, second] = resultsIn(model, 1)
    expect(early).toMatch(/first coordination call/)
    expect(first).toMatch(/answer 0/)
    expect(first).not.toMatch(/answer [12]/)
    expect(second).toMatch(/answer 1.*answer 2/)
    expect(second).not.toMatch(/answer 0/)
  })

  it('A step of an LlmAgent closes an unanswered call when its conversation continues otherwise.', async () => {
    const { step, model } = stage([
      call('invoke_agent', { invocations: [{ agent_name: 'B', request: 'x' }] }),
      call('finish', { answer: 1 }),
    ])
    await step('go', { flow: team })
    await step('something else', { flow: team })
    expect(resultsIn(model, 1)[0]).toMatch(/passed on/)
  })
})
