/** The same work by the OpenAI Agents SDK, which is installed in `peers/` alone: `npm ci --prefix peers`. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { answers, isOver, look, turns } from './workload.ts'

interface Sdk {
  readonly Agent: new (options: object) => object
  readonly Runner: new (
    options: object,
  ) => {
    run(agent: object, input: string, options: object): Promise<{ readonly finalOutput?: unknown }>
  }
  readonly Usage: new (usage: object) => object
  tool(options: object): object
}

export async function openAiAgents() {
  const require = createRequire(join(import.meta.dirname, '../../peers/package.json'))
  let sdk: Sdk
  try {
    sdk = (await import(pathToFileURL(require.resolve('@openai/agents')).href)) as Sdk
  } catch {
    console.log('OpenAI Agents SDK: left out, for it is not installed; npm ci --prefix peers')
    return undefined
  }
  const model = {
    async getResponse({ input }: { readonly input: string | readonly { readonly type?: string }[] }) {
      const results = typeof input === 'string' ? 0 : input.filter(({ type }) => type === 'function_call_result').length
      const call = { type: 'function_call', callId: `call-${results}`, name: look.name, status: 'completed' }
      const content = [{ type: 'output_text', text: answers }]
      const output = isOver(results)
        ? { type: 'message', role: 'assistant', status: 'completed', content }
        : { ...call, arguments: `{"q":"thing ${results}"}` }
      return { usage: new sdk.Usage({ inputTokens: 7, outputTokens: 3, totalTokens: 10 }), output: [output] }
    },
  }
  const agent = new sdk.Agent({
    name: 'Bench',
    instructions: 'You look.',
    model,
    tools: [sdk.tool({ ...look, parameters: z.object({ q: z.string() }) })],
  })
  // Its traces would be sent away.
  const runner = new sdk.Runner({ tracingDisabled: true })
  return {
    name: 'OpenAI Agents SDK',
    step: async () => (await runner.run(agent, 'Look around.', { maxTurns: turns + 1 })).finalOutput,
    close: async () => {},
  }
}
