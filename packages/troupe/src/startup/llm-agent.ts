/** The public LlmAgent: the base class, and a bare `chat` that opens a troupe of its own. */
import { BaseLlmAgent } from '../agents/index.ts'
import { checkCall, checkText } from '../core/index.ts'
import { createTroupe } from './create-troupe.ts'

/**
 * An agent that a language model carries out. A definition: it remembers nothing, is frozen at its first use, and one
 * object may serve any number of branches, threads and users at once.
 * @example
 * const researcher = new LlmAgent({ name: 'Researcher', instructions: 'You find sources.', model: 'offline/extractive' })
 * console.log(await researcher.chat('What is a lane?'))
 */
export class LlmAgent<Out = unknown> extends BaseLlmAgent<Out> {
  /**
   * Says something to the agent alone, in a private troupe in memory that ends with the answer: nothing is remembered.
   * @throws what the agent failed with
   */
  async chat(text: string, options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    checkText('chat', text)
    checkCall('chat', options)
    await using troupe = await createTroupe({ storage: 'memory:' })
    return await troupe.user('default').session(this).chat(text, options)
  }
}
