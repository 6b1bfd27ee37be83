import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock, systemRandom } from '../../core/index.ts'
import { createTroupe, type TroupeConfig } from '../../index.ts'
import { settings } from '../settings/settings.ts'
import { type LoadConfigOptions, loadConfig } from './load-config.ts'
import { redactedStorageUrl, showConfig } from './show-config.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'troupe-config-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const write = (name: string, text: string) => writeFileSync(join(cwd, name), text)
const load = (options: LoadConfigOptions = {}) => loadConfig({ cwd, env: {}, ...options })
const messagesOf = (problems: readonly { readonly message: string }[]) => problems.map(({ message }) => message)
/** A reference of a file. */
const to = (what: string) => `${'$'}{${what}}`
const key = 'ab'.repeat(32)

describe('the configuration', () => {
  it('An empty configuration consists of the defaults, and opens.', async () => {
    const { config, server, problems, origins, file } = await load({ flags: { storage: 'memory:' } })
    expect(problems).toEqual([])
    expect(file).toBeUndefined()
    expect(config).toMatchObject({ storage: 'memory:', log: 'warn', messaging: { maxAttempts: 5 } })
    expect(server).toMatchObject({ host: '127.0.0.1', port: 8_000 })
    expect(origins['messaging.maxAttempts']).toEqual({ source: 'default', name: 'default' })
    await (await createTroupe(config)).close()
    expect((await load()).config.storage).toBe('sqlite:./data/troupe.db')
  })

  it('The configuration merges defaults, the file, .env, the environment and flags, each over the one before.', async () => {
    write(
      'troupe.config.yaml',
      'log: error\nlease: 20s\nmessaging: { lease: 10s, maxAttempts: 7 }\nserver: { port: 1 }\n',
    )
    write(
      '.env',
      'TROUPE_LOG=info\nTROUPE_SERVER_PORT=2\nTROUPE_MESSAGING_LEASE=11s\nTROUPE_STORAGE=postgres://db/shop\n',
    )
    const env = { TROUPE_SERVER_PORT: '3', TROUPE_MESSAGING_LEASE: '12s' }
    const { config, server, origins, problems } = await load({ env, flags: { 'messaging.lease': '13s' } })
    expect(problems).toEqual([])
    expect(config).toMatchObject({ lease: '20s', log: 'info', messaging: { lease: '13s', maxAttempts: 7 } })
    expect(server.port).toBe(3)
    expect(origins).toMatchObject({
      'messaging.maxAttempts': { source: 'file', name: join(cwd, 'troupe.config.yaml') },
      log: { source: '.env', name: 'TROUPE_LOG' },
      'server.port': { source: 'environment', name: 'TROUPE_SERVER_PORT' },
      'messaging.lease': { source: 'flag', name: 'messaging.lease' },
      'models.attempts': { source: 'default' },
    })
  })

  it('A configuration file in code defines agents, topologies and teams.', async () => {
    const library = new URL('../../index.ts', import.meta.url).href
    write(
      'troupe.config.ts',
      `import { defineAgent, defineConfig } from '${library}'
       const clerk = defineAgent({ name: 'Clerk', run: (input: unknown) => input })
       const support = { agents: [clerk], flows: ['Start -> Clerk', 'Clerk -> End'] }
       export default defineConfig({ storage: 'memory:', log: 'silent', agents: [clerk], teams: { support, both: { topology: support, description: 'x' } } })`,
    )
    const { config, teams, problems, origins } = await load()
    expect(problems).toEqual([])
    expect(Object.keys(teams)).toEqual(['support', 'both'])
    expect(origins.agents?.source).toBe('file')
    await using troupe = await createTroupe(config)
    const run = await troupe.user('ada').orchestra.start({ task: 'hello', topology: teams.support?.topology as never })
    expect((await run.result()).response).toBe('hello')
  })

  it('A team in a configuration file has the config beside its topology.', async () => {
    const library = new URL('../../index.ts', import.meta.url).href
    write(
      'troupe.config.ts',
      `import { defineAgent, defineConfig, defineTopology } from '${library}'
       const clerk = defineAgent({ name: 'Clerk', run: (input: unknown) => input })
       const support = { agents: [clerk], flows: ['Clerk -> End'], config: { verbosity: 'quiet' } }
       const config = { budget: { steps: 7 } }
       export default defineConfig({ storage: 'memory:', log: 'silent', teams: {
         support: { topology: support, config }, compiled: { topology: defineTopology(support), config } } })`,
    )
    const { config, problems } = await load()
    expect(problems).toEqual([])
    await using troupe = await createTroupe(config)
    const { orchestra } = troupe.user('ada')
    for (const team of ['support', 'compiled']) {
      const run = await orchestra.start({ task: 'hello', team })
      await run.result()
      const exported = await orchestra.export(run.id, { redact: 'nothing' })
      expect(JSON.stringify(exported)).toMatch(/"steps":7.*"verbosity":"quiet"/)
      const wider = orchestra.start({ task: 'hello', team, config: { budget: { steps: 8 } } })
      await expect(wider).rejects.toMatchObject({ code: 'budget.ceiling' })
    }
  })

  it('The configuration is read from JSON, and from a file by its name.', async () => {
    write(
      'elsewhere.json',
      JSON.stringify({ storage: { url: 'memory:' }, models: { limits: { openai: { perMinute: 5 } } } }),
    )
    const { config, problems } = await load({ file: 'elsewhere.json', env: { AGENT_RATE_LIMIT: '60' } })
    expect(problems).toEqual([])
    expect(config.storage).toBe('memory:')
    expect(config.models?.limits).toEqual({ openai: { perMinute: 5 }, '*': { perMinute: 60 } })
  })

  it('The configuration reports all mistakes at once, with what to do.', async () => {
    write(
      'troupe.config.yml',
      'storrage: x\nlog: loud\nmessaging: { capcity: 1, lease: 30 }\ncontext: 5\nretention: { feed: soon }\nroles: { auditor: {} }\n',
    )
    const env = { TROUPE_SERVER_PORT: 'http', TROUPE_LOGG: 'info', SYNTHA_LOG_LEVEL: 'LOUD', AGENT_TEMPERATURE: 'warm' }
    const { problems } = await load({ env, flags: { lgo: 'info', 'models.attempts': 'many' } })
    const all = messagesOf(problems).join('\n')
    for (const part of [
      'has no option storrage',
      'log is loud in',
      'has no option capcity',
      'messaging.lease is 30 in',
      'context in',
      'retention.feed is soon',
      'auditor',
      'server.port is http in the variable TROUPE_SERVER_PORT, which is not a whole number from 0 to 65535',
      'has no option TROUPE_LOGG',
      'log is LOUD in the variable SYNTHA_LOG_LEVEL',
      'AGENT_TEMPERATURE',
      'has no option lgo',
      'models.attempts is many in the flag models.attempts',
    ])
      expect(all).toContain(part)
    expect(problems).toHaveLength(13)
    for (const { hint } of problems) expect(hint).toBeTruthy()
    expect(problems.find(({ message }) => message.includes('TROUPE_LOGG'))?.hint).toContain('TROUPE_LOG?')
  })

  it('The configuration rejects a zero duration where it makes no sense.', async () => {
    for (const name of ['HEALTH_LAG', 'RETENTION_EVERY', 'WATCHDOG_AFTER'])
      expect((await load({ env: { [`TROUPE_${name}`]: '0s' } })).problems, name).toMatchObject([
        { code: 'config.value' },
      ])
    expect((await load({ env: { TROUPE_RETENTION_METRICS: '5s' } })).problems).toMatchObject([
      { code: 'config.value', message: expect.stringContaining('at least 1m') },
    ])
  })

  it('A configuration file that cannot be read is reported as a problem.', async () => {
    write('troupe.config.yaml', 'a: [')
    expect((await load()).problems).toMatchObject([{ code: 'config.unreadable' }])
    expect((await load({ file: 'missing.yaml' })).problems).toMatchObject([{ code: 'config.unreadable' }])
    expect((await load({ file: 'notes.txt' })).problems).toMatchObject([{ code: 'config.unreadable' }])
    write('troupe.config.json', '{}')
    expect((await load()).problems).toMatchObject([{ code: 'config.contradiction' }])
    mkdirSync(join(cwd, 'folder.yaml'))
    expect((await load({ file: 'folder.yaml' })).problems).toMatchObject([{ code: 'config.unreadable' }])
    write('broken.ts', 'throw new Error("not today")')
    expect(messagesOf((await load({ file: 'broken.ts' })).problems)).toEqual([expect.stringContaining('not today')])
    write('new.mjs', 'import "not-there/x"')
    expect((await load({ file: 'new.mjs' })).problems).toMatchObject([
      { code: 'package.missing', hint: 'Run npm install not-there.' },
    ])
    write('list.yaml', '- 1')
    expect((await load({ file: 'list.yaml' })).problems).toMatchObject([{ code: 'config.unreadable' }])
    mkdirSync(join(cwd, '.env'))
    expect(messagesOf((await load({ flags: { storage: 'memory:' }, file: 'e.json' })).problems)).toEqual([
      expect.stringContaining(`${join(cwd, '.env')} cannot be read`),
      expect.stringContaining('e.json cannot be read'),
    ])
    await expect(loadConfig({ folder: cwd } as never)).rejects.toMatchObject({ code: 'option.unknown' })
  })

  it('A configuration file with a syntax error is reported with its line.', async () => {
    const problemOf = async (file: string) => messagesOf((await load({ file })).problems)[0]
    write('e.json', '{\n  "log": "planted",\n}')
    expect(await problemOf('e.json')).toMatch(/it is not JSON \(line 3 column 1\)\.$/)
    write('f.yaml', 'log: info\nlog: planted\n')
    expect(await problemOf('f.yaml')).toMatch(/at line 2, column 1\.$/)
  })

  it('A configuration file with a byte order mark is read.', async () => {
    for (const name of ['bom.json', 'bom.yaml']) {
      write(name, '\uFEFF{"log": "info"}')
      const { config, problems } = await load({ file: name })
      expect([name, problems, config.log]).toEqual([name, [], 'info'])
    }
  })

  it('A configuration file refers to variables and files, and names secrets that are read later.', async () => {
    write('password', 'p@ss$word\n')
    write(
      'troupe.config.yaml',
      `storage: { host: "${to('env:TROUPE_HOST_OF_MINE')}", database: shop, user: app, password: "${to('file:password')}" }\n` +
        `presence: { heartbeat: "${to('env:BEAT')}s" }\n`,
    )
    const env = { TROUPE_HOST_OF_MINE: 'db', BEAT: '7' }
    const { config, problems } = await load({ env })
    expect(problems).toEqual([])
    expect(config).toMatchObject({ storage: { host: 'db', password: 'p@ss$word' }, presence: { heartbeat: '7s' } })
    expect(messagesOf((await load()).problems)).toEqual([expect.stringContaining('is not set')])
    write('troupe.config.yaml', `storage: "postgres://${to('secret:URL')}"`)
    expect(messagesOf((await load()).problems)).toEqual([expect.stringContaining('stands alone')])
    write('troupe.config.yaml', `log: "${to('vault:LEVEL')}"`)
    expect(messagesOf((await load()).problems)).toEqual([expect.stringContaining('none of env, file, secret')])
  })

  it('The URL of a storage may be a secret beside other parts of the storage.', async () => {
    write('troupe.config.yaml', `storage: { url: "${to('secret:DATABASE')}", poolSize: 20 }\n`)
    const { config, problems } = await load()
    expect(problems).toEqual([])
    expect(config.storage).toEqual({ url: { secret: 'DATABASE' }, poolSize: 20 })
  })

  it('A named secret is found in .env too.', async () => {
    write('.env', `OF_MINE=${key}\n`)
    write('troupe.config.yaml', `storage: "memory:"\nlog: silent\nencryption: { key: "${to('secret:OF_MINE')}" }\n`)
    const { config, problems } = await load()
    expect(problems).toEqual([])
    expect(JSON.stringify(config)).not.toContain(key)
    await using troupe = await createTroupe(config)
    expect(await troupe.secrets.get('OF_MINE')).toBe(key)
  })

  it('The configuration is shown with the origin of every value, and without secrets.', async () => {
    write(
      'troupe.config.yaml',
      `models: { registry: { house: { url: "http://h/v1", model: m, apiKey: planted-1 } } }\n`,
    )
    const env = {
      TROUPE_STORAGE: 'postgres://app:planted-2@db/shop?password=planted-3',
      OPENAI_API_KEY: 'planted-4',
      AGENT_API_KEY: 'planted-5',
      TROUPE_ENCRYPTION_KEY: key,
      DB_PASSWORD: 'planted-6',
      TROUPE_SERVER_KEY: 'planted-7',
      TROUPE_STORAGE_PORT: 'planted-8',
    }
    const loaded = await load({ env })
    const shown = showConfig(loaded)
    expect(JSON.stringify(shown)).not.toMatch(/planted|abab/)
    expect(shown).toContainEqual({
      path: 'storage.url',
      value: '"postgres://db/shop"',
      origin: { source: 'environment', name: 'TROUPE_STORAGE' },
      from: 'the variable TROUPE_STORAGE',
    })
    expect(shown.find(({ path }) => path === 'storage.password')).toMatchObject({ value: '[hidden]' })
    expect(messagesOf(loaded.problems)).toEqual([expect.stringContaining('storage.port is planted-8')])
    for (const url of ['postgres://app:plan@ted@db/shop', 'postgres://app:planted?ted@db/shop#planted'])
      expect(redactedStorageUrl(url)).toMatch(/^postgres:\/\/(db\/shop|\[hidden\])$/)
    const secretly = await load({ env: { TROUPE_MESSAGING_SIGNATURES: '{planted' } })
    expect(JSON.stringify(secretly.problems)).not.toContain('planted')
  })
})

describe('the bounds of settings', () => {
  const bounds = settings.flatMap(({ path, kind }) => {
    const least = /at least (\w+)/.exec(kind.description)?.[1]
    return least && !/^(storage|server)\.|^lease$/.test(path) ? [[path, least] as const] : []
  })
  it.each(bounds)('The setting %s accepts the least duration that its description names, %s.', async (path, least) => {
    // A run cannot go before its journal.
    const others = path === 'retention.runs' ? { 'retention.replay': least } : {}
    const { config, problems } = await load({ flags: { [path]: least, ...others, 'storage.url': 'memory:' } })
    expect(problems).toEqual([])
    await (await createTroupe(config)).close()
  })
  it('The settings of shares are above 0.', async () => {
    const { problems } = await load({ env: { TROUPE_HEALTH_DISK: '0', TROUPE_HEALTH_MEMORY: '1' } })
    expect(messagesOf(problems)).toEqual([expect.stringMatching(/health\.disk is 0.*a number above 0, at most 1/)])
  })
})

describe('contradictions', () => {
  it('A contradiction of two variables names both.', async () => {
    const env = { LOG_LEVEL: 'INFO', MARSYS_LOG_LEVEL: 'ERROR' }
    expect((await load({ env })).problems).toMatchObject([
      {
        code: 'config.contradiction',
        details: { setting: 'log', one: 'the variable LOG_LEVEL', other: 'the variable MARSYS_LOG_LEVEL' },
      },
    ])
    expect((await load({ env: { LOG_LEVEL: 'WARNING', TROUPE_LOG: 'warn' } })).problems).toEqual([])
  })

  it('A contradiction of a file on SQLite and variables of a PostgreSQL names both.', async () => {
    write('troupe.config.yaml', 'storage: "sqlite:./x.db"')
    expect(messagesOf((await load({ env: { DB_HOST: 'db' } })).problems)).toEqual([
      expect.stringMatching(/troupe\.config\.yaml and the variable DB_HOST contradict each other about storage/),
    ])
    rmSync(join(cwd, 'troupe.config.yaml'))
    const { config, problems } = await load({
      env: { DB_HOST: 'db', DB_PORT: '5433', DB_NAME: 'shop', DB_USER: 'app', DB_PASSWORD: 'pw' },
    })
    expect(problems).toEqual([])
    expect(config.storage).toEqual({ host: 'db', port: 5_433, database: 'shop', user: 'app', password: 'pw' })
  })

  it('A contradiction of the URL of a PostgreSQL and a variable of one of its parts names both.', async () => {
    const url = 'postgres://app:pw@prod:5433/shop'
    const same = { DB_HOST: 'prod', DB_PORT: '5433', DB_NAME: 'shop', DB_USER: 'app', DB_PASSWORD: 'pw' }
    expect((await load({ env: { DATABASE_URL: url, ...same } })).problems).toEqual([])
    const { problems } = await load({ env: { DATABASE_URL: url, ...same, DB_HOST: 'test', DB_PASSWORD: 'other' } })
    expect(problems).toMatchObject([
      {
        code: 'config.contradiction',
        details: { setting: 'storage.host', one: 'the variable DATABASE_URL', other: 'the variable DB_HOST' },
      },
      { code: 'config.contradiction', details: { setting: 'storage.password', other: 'the variable DB_PASSWORD' } },
    ])
  })

  it('A URL of a PostgreSQL overrides the parts that earlier sources name, and a later source overrides its parts.', async () => {
    write('.env', 'DB_HOST=localhost\nDB_PASSWORD=local\n')
    const url = 'postgres://app@prod/shop'
    const { config, problems } = await load({ env: { DATABASE_URL: url } })
    expect(problems).toEqual([])
    expect(config.storage).toEqual({ url, password: 'local' })
    write('.env', `DATABASE_URL=${url}\n`)
    expect((await load({ env: { DB_HOST: 'replica' } })).config.storage).toEqual({ url, host: 'replica' })
    write('.env', '')
    write('troupe.config.yaml', `storage: { url: "${url}", host: replica }\n`)
    expect(await load()).toMatchObject({ problems: [], config: { storage: { url, host: 'replica' } } })
  })

  it('A contradiction of debug and a log level, or of encryption without a key, is reported.', async () => {
    expect((await load({ env: { SYNTHA_DEBUG_MODE: 'true', LOG_LEVEL: 'INFO' } })).problems).toMatchObject([
      { code: 'config.contradiction' },
    ])
    expect((await load({ env: { SYNTHA_DEBUG_MODE: 'true' } })).config).toMatchObject({ debug: true })
    expect((await load({ env: { SYNTHA_ENABLE_ENCRYPTION: 'true' } })).problems).toMatchObject([
      { code: 'config.missing' },
    ])
    expect(
      (await load({ env: { SYNTHA_ENABLE_ENCRYPTION: 'false', TROUPE_ENCRYPTION_KEY: key } })).problems,
    ).toMatchObject([{ code: 'config.contradiction' }])
    const { config, problems } = await load({ env: { SYNTHA_ENABLE_ENCRYPTION: 'true', TROUPE_ENCRYPTION_KEY: key } })
    expect(problems).toEqual([])
    expect(config.encryption).toEqual({ keys: [{ id: 'main', key }] })
  })
})

describe('the profiles of a configuration', () => {
  it('The production profile reports every unsafe setting at once.', async () => {
    const env = {
      MARSYS_ENV: 'production',
      TROUPE_STORAGE: 'memory:',
      TROUPE_DEBUG: 'true',
      TROUPE_REQUIRE_USER_ID: 'false',
      TROUPE_SERVER_ORIGINS: '*',
      TROUPE_CASSETTE: '{"path":"x.jsonl"}',
    }
    const { problems, config } = await load({ env })
    const all = messagesOf(problems).join('\n')
    for (const what of ['encryption', 'storage', 'debug', 'requireUserId', 'server.origins', 'cassette'])
      expect(all).toContain(what)
    expect(problems).toHaveLength(6)
    const error = await createTroupe(config).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'config.invalid', details: { others: 4 } })
    expect((error as { details: { problems: string[] } }).details.problems).toHaveLength(5)
  })

  it.each([
    ['storage.tls', { storage: { url: 'postgres://127.0.0.1:1/none', tls: { check: false } } }],
    [
      'faults',
      {
        storage: 'sqlite:./unmade.db',
        faults: { clock: systemClock, random: systemRandom, at: () => undefined },
      },
    ],
  ])('The production profile rejects %s too, before anything is opened.', async (what, config) => {
    const encryption = { keys: [{ id: 'a', key }] }
    await expect(createTroupe({ profile: 'production', encryption, ...config } as TroupeConfig)).rejects.toMatchObject({
      code: 'config.unsafe',
      details: { what },
    })
  })

  it('The production profile rejects a process that checks no certificates, before anything is opened.', async () => {
    const encryption = { keys: [{ id: 'a', key }] }
    const config = { profile: 'production', encryption, storage: 'sqlite:./unmade.db' } as const
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    try {
      const details = { what: 'NODE_TLS_REJECT_UNAUTHORIZED' }
      await expect(createTroupe(config)).rejects.toMatchObject({ code: 'config.unsafe', details })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('The production profile accepts a file and a key, and the test profile uses memory.', async () => {
    expect((await load({ flags: { profile: 'production' }, env: { TROUPE_ENCRYPTION_KEY: key } })).problems).toEqual([])
    expect((await load({ env: { TROUPE_PROFILE: 'test' } })).config).toMatchObject({ storage: 'memory:', log: 'error' })
  })
})
