/** The same work by the AI SDK's own agent. */
import { isStepCount, jsonSchema, ToolLoopAgent, tool } from 'ai'
import { look, turns, zeroLatencyModel } from './workload.ts'

export function toolLoopAgent() {
  const inputSchema = jsonSchema<{ q: string }>({
    type: 'object',
    properties: { q: { type: 'string' } },
    required: ['q'],
  })
  const agent = new ToolLoopAgent({
    model: zeroLatencyModel(),
    instructions: 'You look.',
    tools: { look: tool({ description: look.description, inputSchema, execute: look.execute }) },
    stopWhen: isStepCount(turns),
  })
  return {
    name: 'AI SDK, ToolLoopAgent',
    step: async () => (await agent.generate({ prompt: 'Look around.' })).text,
    close: async () => {},
  }
}
