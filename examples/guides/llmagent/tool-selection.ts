/** Which of its tools an agent is offered: by how they did, by what they can do, or by a choice of one's own. */
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const tool = (name: string, capabilities: readonly string[], execute: () => string) =>
  defineTool({
    name,
    description: `The tool ${name}.`,
    inputSchema: z.object({}),
    effect: 'read',
    capabilities,
    execute,
  })

const tools = [
  tool('search_web', ['search'], () => 'found'),
  tool('search_cards', ['search'], () => {
    throw new Error('the cards are out of order')
  }),
  tool('translate', ['translation'], () => 'translated'),
]

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  const offered = async (
    toolSelection: NonNullable<ConstructorParameters<typeof LlmAgent>[0]['toolSelection']>,
    task: string,
  ) => {
    const model = new MockModel({ responses: ['done'] })
    await ada.session(new LlmAgent({ name: 'Strategic', model, tools, toolSelection })).chat(task)
    return model.calls[0]?.tools?.map(({ name }) => name)
  }
  // What it learns: both searches are called, and one of them fails.
  const calls = ['search_web', 'search_cards', 'translate'].map((name) => ({ name, args: {} }))
  const learning = new MockModel({ responses: [{ toolCalls: calls }, 'done'] })
  await ada
    .session(new LlmAgent({ name: 'Strategic', model: learning, tools, toolSelection: 'performance' }))
    .chat('Try them all.')
  return {
    byContext: await offered('capabilities', 'a translation of this text'),
    byPerformance: (await offered({ by: 'performance', limit: 2 }, 'search'))?.toSorted(),
    ownChoice: await offered(({ tools }) => tools.slice(0, 1), 'anything'),
  }
}

if (import.meta.main) console.log(await main())
