/** The public LlmAgent: the base class, with a `chat` that opens a private troupe. */
import { BaseLlmAgent } from '../agents/index.ts'
import { checkCall, checkText } from '../core/index.ts'
import { createTroupe } from './create-troupe.ts'

/**
 * An agent that is executed by a language model. It is a definition without state and is frozen at its first use. One
 * object may serve any number of branches, threads and users at the same time.
 * @example
 * const researcher = new LlmAgent({ name: 'Researcher', instructions: 'You find sources.', model: 'offline/extractive' })
 * console.log(await researcher.chat('What is a lane?'))
 */
export class LlmAgent<Out = unknown> extends BaseLlmAgent<Out> {
  /**
   * Asks the agent in a private troupe in memory, which is closed after the answer. Nothing is stored.
   * @param options.signal cancels the answer; the call then rejects with CancelledError
   * @throws the error with which the agent failed
   */
  async chat(text: string, options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    checkText('chat', text)
    checkCall('chat', options)
    const captured = { ...options }
    await using troupe = await createTroupe({ storage: 'memory:' })
    return await troupe.user('default').session(this).chat(text, captured)
  }
}
