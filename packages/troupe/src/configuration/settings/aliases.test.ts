import { describe, expect, it } from 'vitest'
import { loadConfig } from '../load/load-config.ts'
import { aliases, notForTroupe } from './aliases.ts'
import { settings, variableOf } from './settings.ts'

const load = (env: Readonly<Record<string, string>>) => loadConfig({ cwd: '/nonexistent', env })

/** Every variable that the five guides name. */
const named = `
  SYNTHA_ENABLE_INDEXING SYNTHA_AUTO_CLEANUP SYNTHA_CLEANUP_INTERVAL SYNTHA_ENABLE_ENCRYPTION SYNTHA_AUDIT_LOGGING
  SYNTHA_DEBUG_MODE SYNTHA_LOG_LEVEL SYNTHA_HEALTH_CHECK_INTERVAL SYNTHA_METRICS_RETENTION
  DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD POSTGRES_DB POSTGRES_USER POSTGRES_PASSWORD
  AGENT_MODEL AGENT_API_KEY AGENT_MAX_TOKENS AGENT_TEMPERATURE AGENT_RATE_LIMIT AGENT_CACHE_TTL LOG_LEVEL
  MARSYS_ENV MARSYS_LOG_LEVEL API_KEY MAX_CONNECTIONS MESSAGE_TIMEOUT
`
  .trim()
  .split(/\s+/)

describe('the variables of the guides', () => {
  it.each(named)('The variable %s of the guides has a meaning.', (name) => {
    expect(name in aliases || name in notForTroupe).toBe(true)
  })

  it('The variables of the guides give the values that the guides mean.', async () => {
    const { config, server, problems } = await load({
      SYNTHA_ENABLE_INDEXING: 'true',
      SYNTHA_AUTO_CLEANUP: 'True',
      SYNTHA_CLEANUP_INTERVAL: '300',
      SYNTHA_AUDIT_LOGGING: '1',
      SYNTHA_DEBUG_MODE: 'false',
      SYNTHA_LOG_LEVEL: 'WARNING',
      SYNTHA_HEALTH_CHECK_INTERVAL: '60',
      SYNTHA_METRICS_RETENTION: '3600',
      LOG_LEVEL: 'WARNING',
      MARSYS_LOG_LEVEL: 'WARNING',
      MARSYS_ENV: 'development',
      AGENT_MODEL: 'anthropic/claude-haiku-4-5',
      AGENT_API_KEY: 'the key',
      API_KEY: 'the key',
      AGENT_MAX_TOKENS: '1000',
      AGENT_TEMPERATURE: '0.7',
      AGENT_RATE_LIMIT: '60',
      AGENT_CACHE_TTL: '3600',
      MAX_CONNECTIONS: '100',
      MESSAGE_TIMEOUT: '30',
      GROQ_API_KEY: 'of groq',
    })
    expect(problems).toEqual([])
    expect(config).toMatchObject({
      profile: 'development',
      log: 'warn',
      debug: false,
      health: { every: '60s' },
      retention: { metrics: '3600s' },
      context: { cleanup: '300s' },
      messaging: { lease: '30s' },
      models: {
        model: 'anthropic/claude-haiku-4-5',
        apiKey: 'the key',
        keys: { groq: 'of groq' },
        defaults: { maxOutputTokens: 1_000, temperature: 0.7 },
        limits: { '*': { perMinute: 60 } },
        cache: { ttl: '3600s' },
      },
    })
    expect(server.maxConnections).toBe(100)
  })

  it.each(Object.entries(aliases).flatMap(([name, alias]) => ('always' in alias ? [name] : [])))(
    'The variable %s cannot turn off what is always on.',
    async (name) => {
      expect((await load({ [name]: 'true' })).problems).toEqual([])
      expect((await load({ [name]: 'false' })).problems).toMatchObject([{ code: 'config.always' }])
      expect((await load({ [name]: 'perhaps' })).problems).toMatchObject([{ code: 'config.value' }])
    },
  )

  it('The variables of intervals are at least a second, and a health check of 0 means none.', async () => {
    for (const [name, value] of [
      ['SYNTHA_CLEANUP_INTERVAL', '0'],
      ['SYNTHA_CLEANUP_INTERVAL', '0.5'],
      ['SYNTHA_HEALTH_CHECK_INTERVAL', '0.5'],
      ['SYNTHA_LOG_LEVEL', 'TRACE'],
    ] as const)
      expect((await load({ [name]: value })).problems, `${name}=${value}`).toMatchObject([{ code: 'config.value' }])
    const { config, problems } = await load({ SYNTHA_HEALTH_CHECK_INTERVAL: '0' })
    expect([problems, config.health?.every]).toEqual([[], undefined])
  })

  it('The variables and settings correspond one to one.', () => {
    const variables = settings.map(variableOf)
    expect(new Set(variables).size).toBe(variables.length)
    for (const name of Object.keys(aliases)) expect(variables).not.toContain(name)
  })
})
