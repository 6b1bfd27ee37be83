/** Each check in a state in which it passes, and in one in which it does not; on real troupes. */
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkIds, entryOf } from '../../../configuration/doctor/doctor-catalogue.ts'
import { type TroupeConfig, withOrigins } from '../../../configuration/troupe-config.ts'
import { systemClock } from '../../../core/index.ts'
import {
  AgentPool,
  defineAgent,
  defineMessage,
  defineTool,
  LlmAgent,
  loadConfig,
  patterns,
  Worker,
} from '../../../index.ts'
import { bubblewrapSandbox } from '../../../sandbox/index.ts'
import { partsOf } from '../../../startup/troupe.ts'
import { createVirtualClock, MockModel } from '../../../testing/index.ts'
import { buildSystemPrompt } from '../../../tools.ts'
import { doctorOf, examineConfig } from '../doctor.ts'
import { others, Practice } from '../doctor-testbed.test.fixture.ts'

const practice = new Practice()
afterEach(() => practice.closeAll())
afterAll(() => practice.end())

const pollOptions = { timeout: 30_000 }
const solo = (agent: ReturnType<typeof defineAgent> | LlmAgent) => patterns.pipeline({ stages: [{ agents: [agent] }] })
const { privateKey } = generateKeyPairSync('ed25519')
const key = 'ab'.repeat(32)

const search = defineTool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: async ({ q }) => q,
})
const Asked = defineMessage('asked', z.object({ n: z.number() }))
const asked = new LlmAgent({
  name: 'Asked',
  model: ['offline/extractive', 'offline/extractive'],
  tools: { search },
  settings: { cache: true },
})
const counts = defineAgent({ name: 'Counts', inputSchema: z.unknown(), run: async () => 1 })

/** As docs/doctor.md would have it. */
async function careful(): Promise<TroupeConfig> {
  const { config, effectiveValues, problems } = await loadConfig({
    cwd: practice.folder,
    env: {
      TROUPE_STORAGE: practice.file,
      TROUPE_PROFILE: 'production',
      TROUPE_ENCRYPTION_KEY: key,
      TROUPE_LOG: 'error',
    },
  })
  expect(problems).toEqual([])
  const team = {
    topology: solo(asked),
    config: { budget: { cost: 5 }, onError: { '*': { retry: { attempts: 2 } } } },
  } as const
  return withOrigins(
    {
      ...config,
      agents: [asked, counts],
      teams: { team },
      messaging: { signatures: { keys: [{ id: 's', privateKey }] } },
      audit: { checkpoints: { key: { id: 'a', privateKey }, to: () => {} } },
      context: { limits: { entries: 1_000 } },
      egress: { allow: ['api.example.com'] },
      models: { limits: { '*': { perMinute: 60 } } },
      policies: { tools: { '*': { breaker: { failures: 5 }, retry: { attempts: 3 }, timeout: '30s' } } },
      health: { every: '60s', memory: 1, disk: 1, lag: '1h' },
      alerts: { to: [{ user: 'ops', agent: 'Duty' }] },
      otlp: { url: 'http://127.0.0.1:9', every: '1h' },
      fetch: async () => new Response('{}'),
      doctor: { backups: join(practice.folder, 'backups') },
    } as TroupeConfig,
    { effectiveValues },
  )
}

describe('a careful configuration', () => {
  it('Every check passes that one process on a file can pass.', async () => {
    practice.write({ '.env': '' })
    chmodSync(join(practice.folder, '.env'), 0o600)
    const troupe = await practice.opened(await careful())
    await troupe.backup(join(practice.folder, 'backups', 'today'))
    await troupe.apiKeys.create({ name: 'shop', users: ['ada'], expiresIn: '60d' })
    const ada = troupe.user('ada')
    const handle = ada.agent('Counts')
    await handle.context.push('k', 1, { subscribers: ['Asked'], ttl: '1h' })
    class Takes extends Worker {
      constructor() {
        super('Takes')
        this.on(Asked, () => 1)
      }
    }
    await ada.start(new Takes())
    const found = await practice.diagnose(troupe)
    const ids = checkIds.filter((id) => !['word', 'project'].includes(entryOf(id).about) && id !== 'storage.shared')
    expect(others(found, ids, 'pass')).toEqual({})
  })
})

describe('a careless configuration', () => {
  it('The checks of the configuration warn of a careless configuration.', async () => {
    const tools = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`t${i}`, search]))
    const boss = new LlmAgent({ name: 'Boss', role: 'admin', model: 'offline/extractive', tools })
    const troupe = await practice.opened({
      agents: [boss, defineAgent({ name: 'Open', run: async () => 1 })],
      teams: { team: solo(boss) },
      audit: { writes: false },
      policy: { taint: 'report' },
      models: { attempts: 1 },
      alerts: false,
      log: 'silent',
      traces: false,
      sandbox: { engines: [bubblewrapSandbox({ path: '/nowhere/bwrap' })] },
      context: { cleanup: '2h' },
      health: { memory: 0.000_001, disk: 0.000_001 },
    })
    const host = { node: '25.1.0', memoryLimit: undefined, handlesSigterm: false }
    const found = await practice.diagnose(troupe, { production: true }, host)
    const failing = [
      ...['configuration.safe', 'profile.production', 'shutdown.graceful', 'storage.durable', 'users.required'],
      ...['encryption.rest', 'audit.log', 'audit.checkpoints', 'taint.policy', 'egress.listed', 'rates.limited'],
      ...['agents.inputs', 'alerts.delivered', 'logs.configured', 'traces.stored', 'metrics.read', 'context.bounded'],
      'sandbox.engines',
    ]
    expect(others(found, failing, 'fail')).toEqual({})
    const wanting = [
      ...[
        'configuration.external',
        'node.version',
        'memory.limited',
        'storage.shared',
        'storage.backup',
        'storage.space',
      ],
      ...['roles.least', 'messages.signed', 'agents.single', 'models.fallback', 'calls.breakers', 'calls.retried'],
      ...['calls.timed', 'errors.handled', 'runs.budgeted', 'answers.cached', 'health.good', 'health.watched'],
      ...['resources.watched', 'cleanup.runs'],
    ]
    expect(others(found, wanting, 'warn')).toEqual({})
  })

  it('The checks of agents include agents of pools and helpers.', async () => {
    const tools = { search }
    const helper = new LlmAgent({ name: 'Helper', role: 'admin', model: 'offline/extractive', tools })
    const lent = new LlmAgent({ name: 'Lent', model: 'offline/extractive', agents: { helper } })
    const troupe = await practice.opened({ agents: [new AgentPool({ agent: lent })] })
    const { checks } = await doctorOf(troupe[partsOf], troupe, {}, practice.host)
    const seen = (id: string) => checks.find((one) => one.id === id)?.evidence
    expect(seen('agents.single')).toMatch(/^2 model agents,/)
    expect(seen('roles.least')).toMatch(/^Helper can change/)
    expect(seen('calls.timed')).toContain('Without a timeout: search')
    expect(seen('agents.inputs')).toContain('0 function agents and 1 tool')
  })

  it('A wrong, unguarded, unencrypted or secret-revealing configuration fails its checks without being opened.', async () => {
    const wrong = await examineConfig({ storage: 'memory:', lease: '5s' } as TroupeConfig, {
      problem: { message: 'The lease is for PostgreSQL.' },
    })
    expect(practice.statuses(wrong)).toMatchObject({
      'configuration.valid': 'fail',
      'troupe.opens': 'fail',
      'health.good': 'warn',
    })
    practice.write({
      'origins.yaml': `storage: { host: db.example, database: t, user: u, password: written-down }\nserver: { host: 0.0.0.0 }\n`,
    })
    const { config } = await loadConfig({ cwd: practice.folder, env: {}, file: 'origins.yaml' })
    const ends = { signatures: { keys: [{ id: 'old', privateKey, until: new Date(systemClock.now() + 1_000) }] } }
    const ending = await examineConfig({ storage: 'memory:', messaging: ends })
    expect(practice.statuses(ending)).toMatchObject({ 'messages.signed': 'warn' })
    const report = await examineConfig(config, { production: true })
    const expected = { 'secrets.named': 'fail', 'server.guarded': 'fail', 'encryption.transit': 'fail' }
    expect(practice.statuses(report)).toMatchObject(expected)
    expect(JSON.stringify(report)).not.toContain('written-down')
  })

  it('A server on a public address is guarded by an API key in the storage too.', async () => {
    const { config, ...origins } = await loadConfig({ cwd: practice.folder, env: { TROUPE_SERVER_HOST: '0.0.0.0' } })
    const troupe = await practice.opened(withOrigins({ ...config, storage: 'memory:', log: 'error' }, origins))
    expect(await practice.diagnose(troupe)).toMatchObject({ 'server.guarded': 'fail' })
    await troupe.apiKeys.create({ name: 'ci', users: 'all', expiresIn: '30d' })
    expect(await practice.diagnose(troupe)).toMatchObject({ 'server.guarded': 'pass' })
  })

  it('The doctor reports pending migrations without applying them.', async () => {
    const storage = `sqlite:${join(practice.folder, 'older.db')}`
    const config = { storage } as const
    expect(practice.statuses(await examineConfig(config))['storage.migrated']).toBe('pass')
    await (await practice.opened(config)).close()
    const db = new DatabaseSync(storage.slice('sqlite:'.length))
    db.exec(
      "drop table trace_spans; drop table trace_index; drop table metric_minutes; delete from storage_schema where module = 'observability'",
    )
    db.close()
    for (let i = 0; i < 2; i++) {
      const { checks } = await examineConfig(config)
      const found = checks.find(({ id }) => id === 'storage.migrated')
      expect(found).toMatchObject({ status: 'warn', evidence: expect.stringContaining('observability 1') })
    }
    expect(practice.statuses(await examineConfig(config))['storage.migrated']).toBe('warn')
    expect(await practice.diagnose(await practice.opened(config))).toMatchObject({ 'storage.migrated': 'pass' })
  })

  it('The doctor fails the check of secret files that every account may read.', async () => {
    chmodSync(join(practice.folder, '.env'), 0o644)
    const troupe = await practice.opened()
    expect(await practice.diagnose(troupe)).toMatchObject({ 'secrets.files': 'fail' })
  })
})

describe('checks of stored data', () => {
  it('The doctor warns of stored data without bounds, expiry or readers.', async () => {
    const troupe = await practice.opened({
      context: { limits: { entries: 130 } },
      messaging: { capacity: { count: 10 }, maxAttempts: 1 },
    })
    const ada = troupe.user('ada')
    await ada.context.batch(Array.from({ length: 120 }, (_, i) => ({ type: 'push' as const, key: `k${i}`, value: i })))
    for (let i = 0; i < 6; i++) {
      const topics = Array.from({ length: 20 }, (_, j) => `t${i}.${j}`)
      await ada.context.subscribe(topics)
    }
    const writer = ada.agent('Writer')
    for (let i = 0; i < 500; i++) await writer.tools.call('push_context', { key: 'k', value: i })
    for (let i = 0; i < 9; i++) await writer.messages.send(Asked, { n: i }, { to: 'Full' })
    await writer.messages.send(Asked, { n: 0 }, { to: 'Dead' })
    const [delivery] = await ada.agent('Dead').mailbox.receive({ wait: '10s' })
    await delivery?.nack()
    await troupe.apiKeys.create({ name: 'for ever', users: 'all' })
    const found = await practice.diagnose(troupe)
    const wanting = [
      ...['access.named', 'entries.ttl', 'context.bounded', 'topics.used', 'batches.used'],
      ...['mailboxes.bounded', 'letters.dead', 'api-keys.current'],
    ]
    expect(others(found, wanting, 'warn')).toEqual({})
  })

  it('The doctor warns of sensitive entries that never expire.', async () => {
    const troupe = await practice.opened()
    const salaries = defineTool({
      name: 'salaries',
      description: 'x',
      inputSchema: z.object({}),
      effect: 'read',
      sensitive: true,
      execute: () => 'much',
    })
    const note = defineTool({
      name: 'note',
      description: 'x',
      inputSchema: z.object({}),
      durable: true,
      execute: async (_, { ctx }) => void (await ctx.context.push('salary', 'much')),
    })
    const call = (name: string) => ({ text: '', toolCalls: [{ name, args: {} }] })
    const model = new MockModel({ responses: [call('salaries'), call('note'), 'noted'] })
    const agent = new LlmAgent({ name: 'Payroll', model, tools: { salaries, note } })
    await troupe.user('ada').orchestra.run({ task: 't', topology: solo(agent) })
    expect(await practice.diagnose(troupe)).toMatchObject({ 'sensitive.ttl': 'warn' })
  })

  it('The doctor fails the check of a database that has grown too large.', async () => {
    const troupe = await practice.opened()
    const parts = troupe[partsOf]
    // No test writes so much.
    const sizes = async () => ({ ...(await parts.stores.storage.sizes()), database: 2 ** 40 })
    const storage = new Proxy(parts.stores.storage, {
      get: (target, name) => (name === 'sizes' ? sizes : Reflect.get(target, name, target)),
    })
    const report = await doctorOf({ ...parts, stores: { ...parts.stores, storage } }, troupe, { production: true })
    expect(practice.statuses(report)).toMatchObject({ 'storage.size': 'fail' })
  })

  it('The doctor fails the checks of a missing index and of a clock that went back.', async () => {
    const storage = `sqlite:${join(practice.folder, 'indexes.db')}`
    const early = await practice.opened({
      storage,
      clock: { ...systemClock, now: () => systemClock.now() + 3_600_000 },
    })
    await early.user('ada').agent('A').context.push('k', 1)
    await early.close()
    const db = new DatabaseSync(storage.slice('sqlite:'.length))
    db.exec('drop index messages_dead')
    db.close()
    const found = await practice.diagnose(await practice.opened({ storage }))
    expect(found).toMatchObject({ 'storage.indexes': 'fail', 'clock.agrees': 'fail' })
  })
})

describe('checks of past activity', () => {
  it('The doctor warns of many rejections, failures and unread results.', async () => {
    const clock = createVirtualClock()
    const troupe = await practice.opened({ clock })
    const ada = troupe.user('ada')
    const reader = ada.agent('Reader', { role: 'readonly' })
    for (let i = 0; i < 105; i++) await reader.tools.call('push_context', { key: 'k', value: i })
    const other = ada.agent('Other')
    await other.context.push('k', 1)
    await buildSystemPrompt(other)
    other.tools.definitions()
    await clock.advance('15s')
    await troupe.audit.flush()
    class Open extends Worker {
      constructor() {
        super('Open')
        this.on(defineMessage('anything'), () => 1)
      }
    }
    await ada.start(new Open())
    const found = await practice.diagnose(troupe)
    const wanting = ['incidents.few', 'alerts.quiet', 'results.read', 'prompts.once', 'messages.contracts']
    expect(others(found, wanting, 'warn')).toEqual({})
  })

  it('The doctor warns of runs that are stuck, have changed code, or have an uncertain effect.', async () => {
    const storage = `sqlite:${join(practice.folder, 'runs.db')}`
    const begun = Promise.withResolvers<void>()
    const pays = (code: string) =>
      defineAgent({
        name: 'Payer',
        run: async (_, ctx) => {
          if (code === 'other') return 0
          return ctx.effect('charge', { class: 'at-most-once' }, async ({ signal }) => {
            begun.resolve()
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          })
        },
      })
    const now = () => systemClock.now() - 2 * 86_400_000
    const first = await practice.opened({ storage, clock: { ...systemClock, now } })
    const config = { budget: { time: '7d' } } as const
    await first.user('ada').orchestra.start({ task: 't', topology: solo(pays('this')), config })
    await begun.promise
    await first.close()
    // Nobody here has its code.
    const resting = await practice.opened({ storage })
    expect(await practice.diagnose(resting)).toMatchObject({ 'runs.moving': 'warn' })
    await resting.close()
    const same = await practice.opened({ storage, agents: [pays('this')] })
    const uncertain = async () => (await practice.diagnose(same))['effects.resolved']
    await expect.poll(uncertain, pollOptions).toBe('warn')
    const listed = (await same.doctor()).checks.find(({ id }) => id === 'effects.resolved')
    expect(listed?.evidence).toMatch(/1 effect: charge of the run .+ of ada/)
    await same.close()
    const changed = defineAgent({ name: 'Payer', run: async () => 'changed' })
    expect(await practice.diagnose(await practice.opened({ storage, agents: [changed] }))).toMatchObject({
      'versions.fit': 'warn',
    })
  })

  it('The doctor warns of schedules that miss their times.', async () => {
    const storage = `sqlite:${join(practice.folder, 'schedules.db')}`
    const teams = { team: solo(counts) }
    const first = await practice.opened({ storage, teams })
    await first
      .user('ada')
      .schedules.create({ id: 'often', team: 'team', task: 1, every: '* * * * *', misfire: 'skip' })
    await first.close()
    const later = { ...systemClock, now: () => systemClock.now() + 86_400_000 }
    const second = await practice.opened({ storage, teams, clock: later })
    const missed = async () => (await practice.diagnose(second))['schedules.running']
    await expect.poll(missed, pollOptions).toBe('warn')
  })

  it('The doctor reports a check that breaks as failed, and continues with the others.', async () => {
    const troupe = await practice.opened()
    await troupe.close()
    const found = await practice.diagnose(troupe)
    expect(found).toMatchObject({ 'writes.undisputed': 'fail', 'messages.frozen': 'fail', 'node.version': 'pass' })
    expect(Object.keys(found)).toHaveLength(checkIds.filter((id) => entryOf(id).about !== 'project').length)
  })
})

it('Every check of a configuration and of a system passes in one test and does not pass in another, except those of a server.', () => {
  const ofServer = ['storage.shared', 'storage.pool', 'storage.isolation', 'storage.role', 'storage.listen']
  const ids = checkIds.filter((id) => ['configuration', 'system'].includes(entryOf(id).about))
  const missing = ids.filter((id) => {
    const seen = practice.seen.get(id) ?? new Set()
    return !seen.has('pass') || seen.size < 2
  })
  expect(missing.filter((id) => !ofServer.includes(id))).toEqual([])
})
