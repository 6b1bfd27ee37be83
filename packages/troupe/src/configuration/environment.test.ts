import { expect, it } from 'vitest'
import { createTroupe } from '../startup/create-troupe.ts'
import { LlmAgent } from '../startup/llm-agent.ts'
import { MockModel } from '../testing/index.ts'
import { readEnvironment } from './environment.ts'
import type { TroupeConfig } from './troupe-config.ts'

it('The environment sets model, key, settings and limits of agents that set none themselves.', () => {
  const variables = {
    AGENT_MODEL: 'anthropic/claude-haiku-4-5',
    AGENT_API_KEY: 'agent-key',
    AGENT_MAX_TOKENS: '1000',
    AGENT_TEMPERATURE: '0.7',
    AGENT_RATE_LIMIT: '60',
    AGENT_CACHE_TTL: '3600',
    OPENAI_API_KEY: 'openai-key',
    HOME: '/nobody',
    SOME_PASSWORD: 'hunter22',
  }
  expect(readEnvironment(variables)).toEqual({
    env: { AGENT_MODEL: 'anthropic/claude-haiku-4-5', AGENT_API_KEY: 'agent-key', OPENAI_API_KEY: 'openai-key' },
    defaults: { maxOutputTokens: 1_000, temperature: 0.7 },
    limits: { '*': { perMinute: 60 } },
    cacheTtl: '3600s',
    secrets: ['agent-key', 'openai-key', 'hunter22'],
  })
  expect(readEnvironment({ AGENT_TEMPERATURE: '' }).defaults).toEqual({})
  expect(() => readEnvironment({ AGENT_TEMPERATURE: 'warm' })).toThrow(/AGENT_TEMPERATURE.*0 to 2/)
  expect(() => readEnvironment({ AGENT_MAX_TOKENS: '1.5' })).toThrow(/AGENT_MAX_TOKENS.*whole number from 1/)
})

it('The configuration precedes the environment, and an agent precedes both.', async () => {
  const model = new MockModel({ responses: ['a', 'b'] })
  const models = { registry: { default: model }, defaults: { maxOutputTokens: 500, temperature: 0.2 } }
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', models })
  const user = troupe.user('u')
  await user.session(new LlmAgent({ name: 'A' })).chat('hi')
  await user.session(new LlmAgent({ name: 'B', settings: { temperature: 1 } })).chat('hi')
  expect(model.calls).toMatchObject([
    { maxOutputTokens: 500, temperature: 0.2 },
    { maxOutputTokens: 500, temperature: 1 },
  ])
})

it('The model options are rejected if they are unknown or out of range.', async () => {
  const wrong: object[] = [
    { limit: {} },
    { defaults: { temprature: 1 } },
    { defaults: { temperature: 3 } },
    { limits: { openai: { concurrent: 0 } } },
    { breaker: { failures: 0 } },
    { breaker: { pauze: '1s' } },
    { attempts: 0 },
    { cache: { ttl: 5 } },
    { registry: { empty: [] } },
  ]
  for (const models of wrong)
    await expect(
      createTroupe({ storage: 'memory:', models } as TroupeConfig),
      JSON.stringify(models),
    ).rejects.toMatchObject({ name: 'ValidationError' })
})
