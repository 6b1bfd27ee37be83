import { defineConfig, LlmAgent } from 'troupe'

/** Answers in its own words with a model of yours: `model: 'anthropic/claude-sonnet-4-5'`, and ANTHROPIC_API_KEY in .env. */
export const guide = new LlmAgent({
  name: 'Guide',
  instructions: [
    'You explain how Troupe works.',
    'A lane holds the messages of one sender to one mailbox, in order.',
    'A run is one execution of a team; a step is one agent at work in it.',
    'The context is what the agents of a user share.',
  ].join('\n'),
  model: 'offline/extractive',
})

export default defineConfig({ storage: 'sqlite:./data/troupe.db', agents: [guide] })
