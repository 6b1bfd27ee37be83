/** The public LlmAgent: what `agents` has, and a bare `chat` that needs no troupe of one's own. */
import { LlmAgent as Definition } from '../../agents/index.ts'
import { createTroupe } from '../create-troupe.ts'

/**
 * @example
 * const researcher = new LlmAgent({ name: 'Researcher', instructions: 'You find sources.', model: 'offline/extractive' })
 * console.log(await researcher.chat('What is a lane?'))
 */
export class LlmAgent extends Definition {
  /**
   * Says something to the agent alone, in a private troupe in memory that ends with the answer: nothing is remembered.
   * @throws what the agent failed with
   */
  async chat(text: string, options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    await using troupe = await createTroupe({ storage: 'memory:' })
    return await troupe.user('default').session(this).chat(text, options)
  }
}
