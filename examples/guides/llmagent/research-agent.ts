/** An agent with one purpose, whose methods are its tools: whoever subclasses it may replace one. */
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'
import type { SearchService } from './search-services.ts'

type Model = NonNullable<ConstructorParameters<typeof LlmAgent>[0]['model']>

export class ResearchAgent extends LlmAgent {
  constructor(name: string, service: SearchService, model?: Model) {
    super({ name, instructions: 'You gather information, and nothing else.', ...(model ? { model } : {}) })
    this.addTool(
      defineTool({
        name: 'search',
        description: 'Finds texts about a subject.',
        inputSchema: z.object({ query: z.string() }),
        effect: 'read',
        execute: ({ query }) => service.search(query),
      }),
    )
    this.addTool(
      defineTool({
        name: 'summarize_sources',
        description: 'The first sentence of each source.',
        inputSchema: z.object({ sources: z.array(z.string()) }),
        effect: 'read',
        execute: ({ sources }) => this.summarizeSources(sources),
      }),
    )
  }

  summarizeSources(sources: readonly string[]): string {
    return sources.map((source) => `- ${source.split('. ')[0]}`).join('\n')
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const sources = ['Bees dance. They show the way.', 'Bees see polarised light.']
  const calls = [
    { toolCalls: [{ name: 'search', args: { query: 'bees' } }] },
    { toolCalls: [{ name: 'summarize_sources', args: { sources } }] },
  ]
  const model = new MockModel({ responses: [...calls, 'They dance, and see light.'] })
  const agent = new ResearchAgent('Researcher', { search: async () => sources }, model)
  const { text, toolCalls } = await troupe.user('ada').session(agent).generate('How do bees find their way?')
  return { text, results: toolCalls.map(({ result }) => result) }
}

if (import.meta.main) console.log(await main())
