import { afterEach, describe, expect, it } from 'vitest'
import { loadConfig, type TroupeEvent } from '../../index.ts'
import type { LiveConfig } from '../../operations.ts'
import { closeAll, opened } from './virtual-clock-troupe.test.fixture.ts'

afterEach(closeAll)

const watched = async (config: Parameters<typeof opened>[0] = {}) => {
  const { troupe, lines } = await opened(config)
  const events: TroupeEvent<'config.changed'>[] = []
  troupe.on('config.changed', (event) => events.push(event))
  return { troupe, events, lines }
}

describe('reconfigure', () => {
  it('`reconfigure` reports each change with the old value, emits it, and audits it.', async () => {
    const { troupe, events, lines } = await watched({ messaging: { maxAttempts: 7 } })
    const changed = await troupe.reconfigure(
      { log: 'info', messaging: { maxAttempts: 3, lease: '10s' } },
      { origin: 'the page of ada' },
    )
    expect(changed).toEqual([
      { setting: 'log', old: '"silent"', new: '"info"' },
      { setting: 'messaging.maxAttempts', old: '7', new: '3' },
      { setting: 'messaging.lease', old: '"30s"', new: '"10s"' },
    ])
    expect(events).toMatchObject(changed.map((one) => ({ type: 'config.changed', ...one, origin: 'the page of ada' })))
    expect(lines.join('')).toContain('messaging.maxAttempts')
    await troupe.audit.flush()
    const { items } = await troupe.audit.list({ limit: 10 })
    // Those of one moment have no order.
    expect(items.map(({ actor, operation, resource }) => [actor, operation, resource]).sort()).toEqual(
      ['log', 'messaging.lease', 'messaging.maxAttempts'].map((setting) => ['host', 'reconfigure', setting]),
    )
  })

  it('`reconfigure` reports no change for values that are already set.', async () => {
    const { troupe, events } = await watched({ models: { limits: { openai: { concurrent: 2 } } } })
    const same = { context: { cleanup: '5m' }, models: { limits: { openai: { concurrent: 2 } } } } as const
    expect(await troupe.reconfigure(same)).toEqual([])
    // What needs a restart may be named with the value that it has.
    expect(await troupe.reconfigure({ storage: 'memory:' } as LiveConfig)).toEqual([])
    expect(events).toEqual([])
  })

  it('`reconfigure` changes what the doctor reads of a loaded configuration, and names itself as the source.', async () => {
    const { config } = await loadConfig({ cwd: import.meta.dirname, env: {}, flags: { storage: 'memory:' } })
    const { troupe } = await watched(config)
    await troupe.reconfigure({ alerts: { to: [{ user: 'ada', agent: 'Desk' }] }, log: 'debug' }, { origin: 'the page' })
    const { checks } = await troupe.doctor({ production: true })
    expect(checks.find(({ id }) => id === 'alerts.delivered')).toMatchObject({ status: 'pass' })
    expect(checks.find(({ id }) => id === 'logs.configured')?.evidence).toBe('The log level is debug, by the page.')
  })

  it('`reconfigure` without a level of the log does not change the level.', async () => {
    const { troupe } = await watched()
    expect(await troupe.reconfigure({ log: {} } as LiveConfig)).toEqual([])
    expect(troupe.log.level).toBe('silent')
  })

  it('`reconfigure` applies to the result of the last change.', async () => {
    const { troupe } = await watched()
    await troupe.reconfigure({ health: { queue: 5 } })
    expect(await troupe.reconfigure({ health: { queue: 6, lag: '2s' } })).toEqual([
      { setting: 'health.queue', old: '5', new: '6' },
      { setting: 'health.lag', old: '"1s"', new: '"2s"' },
    ])
  })

  const rejected: readonly (readonly [what: string, changes: object, code: string])[] = [
    ['the storage', { storage: 'sqlite:./other.db' }, 'config.restart'],
    ['a part of what stands still', { presence: { heartbeat: '1s' } }, 'config.restart'],
    ['code', { agents: [] }, 'config.restart'],
    ['where the log goes', { log: { level: 'info', destination: process.stderr } }, 'config.restart'],
    ['whether there are traces', { traces: false }, 'config.restart'],
    ['what is kept in traces', { traces: { content: true } }, 'config.restart'],
    ['a bound of the wrong kind', { messaging: { maxAttempts: 0 } }, 'config.value'],
    ['a duration without a unit', { context: { cleanup: 30 } }, 'config.value'],
    ['a share above one', { health: { memory: 2 } }, 'config.value'],
    ['a look each millisecond', { health: { every: '1ms' } }, 'config.value'],
    ['a limit of a model that is none', { models: { limits: { openai: { concurrent: 0 } } } }, 'validation.failed'],
    ['a policy that is none', { policies: { tools: { '*': { rateLimit: { limit: 'many' } } } } }, 'validation.failed'],
    [
      'an alert that is none',
      { alerts: { rules: [{ name: 'a', metric: 'm', own: true, statistic: 'value' }] } },
      'validation.failed',
    ],
    ['a webhook without an address', { alerts: { to: [{ webhook: { url: 'hooks' } }] } }, 'validation.failed'],
    ['a misspelt setting', { messaging: { maxAttemps: 3 } }, 'option.unknown'],
    ['a misspelt option', { mesaging: {} }, 'option.unknown'],
    ['keys of prototypes', JSON.parse('{"__proto__":{"log":"info"}}'), 'option.unknown'],
    ['a list', [], 'validation.failed'],
  ]
  it.each(rejected)('`reconfigure` rejects %s, and changes nothing with it.', async (_, changes, code) => {
    const { troupe, events } = await watched()
    await expect(troupe.reconfigure(changes as LiveConfig)).rejects.toMatchObject({ code })
    if (!Array.isArray(changes))
      await expect(troupe.reconfigure({ ...changes, shutdown: { timeout: '5s' } } as LiveConfig)).rejects.toBeDefined()
    expect(events).toEqual([])
    expect(await troupe.reconfigure({ shutdown: { timeout: '5s' } })).toHaveLength(1)
  })

  it('`reconfigure` reports all problems at once.', async () => {
    const { troupe } = await watched()
    const changes = { messaging: { maxAttempts: 0, lease: 'long' }, health: { queue: 0 } } as unknown as LiveConfig
    const error = await troupe.reconfigure(changes).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'config.invalid' })
    const { problems } = (error as { readonly details: { readonly problems: readonly string[] } }).details
    for (const name of ['messaging.maxAttempts', 'messaging.lease', 'health.queue'])
      expect(problems.join('\n')).toContain(name)
  })

  it('`reconfigure` hides secrets, and rejects on a closed troupe.', async () => {
    const { troupe, events } = await watched()
    const webhook = { url: 'https://hooks.test/in', headers: { authorization: 'planted-secret' } }
    await troupe.reconfigure({ alerts: { to: [{ webhook }] } })
    expect(JSON.stringify(events)).toContain('hooks.test')
    expect(JSON.stringify(events)).not.toContain('planted')
    await troupe.close()
    await expect(troupe.reconfigure({ log: 'info' })).rejects.toMatchObject({ code: 'troupe.closed' })
  })
})
