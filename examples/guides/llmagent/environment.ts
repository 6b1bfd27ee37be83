/** Settings of agents from the environment: `loadConfig` reads the variables of the guide, and names each wrong value. */
import { tmpdir } from 'node:os'
import { createTroupe, LlmAgent, loadConfig } from 'troupe'
import { MockModel } from 'troupe/testing'

/** The folder has no configuration file. */
const load = (env: Record<string, string>) => loadConfig({ cwd: tmpdir(), env })

export async function main() {
  const { config } = await load({
    AGENT_MODEL: 'offline/extractive',
    AGENT_TEMPERATURE: '0.2',
    AGENT_MAX_TOKENS: '500',
    AGENT_RATE_LIMIT: '60',
    AGENT_CACHE_TTL: '3600',
    LOG_LEVEL: 'ERROR',
  })
  await using troupe = await createTroupe({ ...config, storage: 'memory:' })
  const model = new MockModel({ responses: ['one', 'two'] })
  const agent = new LlmAgent({ name: 'Configurable', model })
  const ada = troupe.user('ada')
  await ada.session(agent).chat('a')
  // In place of setters: a changed copy, because a definition never changes while it is used.
  await ada.session(agent.with({ settings: { temperature: 1 } })).chat('b')
  const { problems } = await load({ AGENT_MAX_TOKENS: 'many' })
  return {
    model: config.models?.model,
    sent: model.calls.map(({ temperature, maxOutputTokens }) => [temperature, maxOutputTokens]),
    wrong: problems.map(({ name, message }) => [name, message.includes('AGENT_MAX_TOKENS')]),
  }
}

if (import.meta.main) console.log(await main())
