/** The agent Clerk, and Ada with episodes of it, for tests of what a step pays and records for its notes. */
import { LlmAgent, type LlmAgentOptions, type Troupe } from '../../index.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'

export const scripted = (...responses: readonly MockItem[]) => new MockModel({ modelId: 'scripted', responses })

/** An agent whose prompt has one episode. */
export const clerk = (more: Partial<LlmAgentOptions> = {}) =>
  new LlmAgent({ name: 'Clerk', model: scripted('noted'), memory: { episodic: { limit: 1 } }, ...more })

export async function adaWith(troupe: Troupe, episodes: readonly string[]) {
  const ada = troupe.user('ada')
  for (const episode of episodes) await ada.memory('Clerk').episodic.add(episode)
  return ada
}
