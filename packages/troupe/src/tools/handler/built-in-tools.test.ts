import { describe, expect, it } from 'vitest'
import { createTroupe, LlmAgent, patterns } from '../../index.ts'
import { MockModel, type MockResponse } from '../../testing/index.ts'
import { builtInTools } from '../../tools.ts'

const call = (name: string, args: object): MockResponse => ({ toolCalls: [{ name, args }] })
/** What the model was told of its calls, in order. */
const resultsOf = (model: MockModel) =>
  (model.calls.at(-1)?.prompt ?? []).flatMap(({ role, content }) =>
    role === 'tool'
      ? content.flatMap((part) => (part.type === 'tool-result' && 'value' in part.output ? [part.output.value] : []))
      : [],
  )

describe('built-in tools on an agent of a run', () => {
  it('A built-in tool writes in the step, is visible to others at the commit, and returns mistakes as results.', async () => {
    const model = new MockModel({
      responses: [
        call('push_context', { key: 'plan', value: '{"steps":3}', topics: ['plans'] }),
        call('get_context', { key: 'plan' }),
        call('get_context', { key: 'plam' }),
        call('push_context', { key: 'plan', value: 'x', agent_name: 'Other' }),
        call('delete_topic', { topic: 'plans', confirm: true }),
        call('send_message_to_agent', { to_agent: 'Clerk', message: 'done', requires_confirmation: true }),
        'ready',
      ],
    })
    const planner = new LlmAgent({ name: 'Planner', model, tools: builtInTools() })
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const ada = troupe.user('ada')
    const emitted: unknown[] = []
    troupe.on('tool.called', ({ tool, success, security }) => emitted.push([tool, success, security]))
    const incidents: unknown[] = []
    troupe.on('incident.recorded', ({ agent, action, code }) => incidents.push([agent, action, code]))
    const topology = patterns.pipeline({ stages: [{ agents: [planner] }] })
    expect(await ada.orchestra.run({ task: 'plan', topology })).toMatchObject({ success: true, response: 'ready' })
    expect(resultsOf(model)).toMatchObject([
      { success: true, key: 'plan', value: { steps: 3 } },
      { success: true, value: { steps: 3 } },
      { success: false, code: 'context.missing', similar_keys: ['plan'] },
      { success: false, code: 'agent.mismatch' },
      { success: false, code: 'access.denied', available_tools: expect.not.arrayContaining(['delete_topic']) },
      { success: true, thread_id: expect.stringMatching(/^thread_/) },
    ])
    expect(emitted).toEqual([
      ['push_context', true, true],
      ['get_context', true, false],
      ['get_context', false, false],
      ['push_context', false, true],
      ['delete_topic', false, true],
      ['send_message_to_agent', true, false],
    ])
    expect(incidents).toEqual([
      ['Planner', 'push_context', 'agent.mismatch'],
      ['Planner', 'delete_topic', 'access.denied'],
    ])
    expect(await ada.context.getEntry('plan')).toMatchObject({
      owner: 'Planner',
      value: { steps: 3 },
      audience: { subscribers: [], topics: ['plans'] },
    })
    const { items } = await ada.agent('Clerk').mailbox.messages()
    const effectId = expect.stringContaining('send_message_to_agent')
    expect(items).toMatchObject([{ from: 'Planner', payload: 'done', provenance: { agent: 'Planner', effectId } }])
  })

  it('A built-in tool is offered only if it is selected, and is bound by the rights of its agent.', async () => {
    expect(Object.keys(builtInTools('get_context', 'list_context'))).toEqual(['get_context', 'list_context'])
    expect(() => builtInTools('get_contxt' as never)).toThrow(expect.objectContaining({ code: 'tool.unknown' }))
    expect(() => builtInTools('get_messages_from_agents')).toThrow(/get_messages_from_agents/)
    const model = new MockModel({ responses: [call('push_context', { key: 'k', value: 'v' }), 'so be it'] })
    const reader = new LlmAgent({ name: 'Reader', role: 'readonly', model, tools: builtInTools('push_context') })
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    expect(await troupe.user('ada').session(reader).chat('write')).toBe('so be it')
    expect(resultsOf(model)).toMatchObject([{ success: false, code: 'access.denied' }])
    expect(await troupe.user('ada').context.get('k')).toBe(undefined)
  })
})
