/** Settings of agents from the environment; a figure that is none is refused at the start. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const positiveInteger = (standard: number) => z.coerce.number().int().positive().default(standard)

const config = z.object({
  AGENT_MODEL: z.string().default('offline/extractive'),
  AGENT_MAX_TOKENS: positiveInteger(1_000),
  AGENT_TEMPERATURE: z.coerce.number().min(0).max(2).default(0.7),
  AGENT_RATE_LIMIT: positiveInteger(60),
  AGENT_CACHE_TTL: positiveInteger(3_600),
  LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']).default('INFO'),
})

/** What `createTroupe` takes. It reads the same variables by itself; this is for settings that come from elsewhere. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>) {
  const read = config.parse(environment)
  return {
    models: {
      registry: { default: read.AGENT_MODEL },
      defaults: { maxOutputTokens: read.AGENT_MAX_TOKENS, temperature: read.AGENT_TEMPERATURE },
      limits: { '*': { perMinute: read.AGENT_RATE_LIMIT } },
      cache: { ttl: `${read.AGENT_CACHE_TTL}s` },
    },
  } as const
}

export async function main() {
  const settings = fromEnvironment({ AGENT_TEMPERATURE: '0.2', AGENT_MAX_TOKENS: '500' })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...settings })
  const model = new MockModel({ responses: ['one', 'two'] })
  const agent = new LlmAgent({ name: 'Configurable', model })
  await troupe.user('ada').session(agent).chat('a')
  // What the guide's setters do: a changed copy, for a definition never changes under those who use it.
  await troupe
    .user('ada')
    .session(agent.with({ settings: { temperature: 1 } }))
    .chat('b')
  const sent = model.calls.map(({ temperature, maxOutputTokens }) => [temperature, maxOutputTokens])
  let wrong = ''
  try {
    fromEnvironment({ AGENT_MAX_TOKENS: 'many' })
  } catch (error) {
    wrong = (error as Error).name
  }
  return { model: settings.models.registry.default, sent, wrong }
}

if (import.meta.main) console.log(await main())
