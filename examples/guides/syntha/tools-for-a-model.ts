/** The tools of one agent in the hands of a model: with any SDK, and beside tools of one's own. */
import { generateText, isStepCount } from 'ai'
import { createTroupe, defineTool } from 'troupe'
import { MockModel } from 'troupe/testing'
import { mergeTools, toAiSdk, toAnthropic, toOpenAI } from 'troupe/tools'
import { z } from 'zod'

const search = defineTool({
  name: 'search',
  description: 'Searches the shop.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: ({ q }) => [`${q} in blue`],
})

/** A model that searches, then writes down what it found. */
const model = new MockModel({
  responses: [
    { toolCalls: [{ name: 'search', args: { q: 'teapots' } }] },
    { toolCalls: [{ name: 'push_context', args: { key: 'found.teapots', value: '["teapots in blue"]' } }] },
    'There are blue ones.',
  ],
})

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const support = troupe.user('ada').agent('Support', { deny: ['delete_context'] })

  // One handler for ours and yours; who acts is bound, so no model can speak for another agent.
  const { tools } = toAiSdk(mergeTools(support.tools, { search }))
  const { text } = await generateText({ model, tools, prompt: 'Find teapots.', stopWhen: isStepCount(5) })

  // The same for other SDKs: definitions in their shape, and `call` for what their models answer with.
  const openAi = toOpenAI(support.tools)
  const fromOpenAi = await openAi.call({ function: { name: 'get_context', arguments: '{"key":"found.teapots"}' } })
  const anthropic = toAnthropic(support.tools)
  const fromAnthropic = await anthropic.call({ type: 'tool_use', name: 'list_context', input: {} })
  return { text, tools: Object.keys(tools).length, found: fromOpenAi.value, keys: fromAnthropic.keys }
}

if (import.meta.main) console.log(await main())
