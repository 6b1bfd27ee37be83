/** How the doctor works: checks of one's own, time, secrets, what is refused. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { severityOf } from '../../configuration/index.ts'
import { createTroupe, loadConfig, type Troupe, type TroupeConfig, ValidationError } from '../../index.ts'
import { type DoctorCheck, examineConfig, examineProject, restoreBackup } from '../../operations.ts'
import { createVirtualClock } from '../../testing/index.ts'
import { Practice } from './doctor-testbed.test.fixture.ts'
import { joined } from './examine.ts'

const practice = new Practice()
afterEach(() => practice.closeAll())
afterAll(() => practice.end())

const own = (id: string, run: DoctorCheck['run'], more: Partial<DoctorCheck> = {}): DoctorCheck => ({
  id,
  description: `${id} holds.`,
  run,
  ...more,
})

describe('The check of the log', () => {
  const checked = async (config: Partial<TroupeConfig>, before: (troupe: Troupe) => void = () => {}) => {
    const troupe = await createTroupe({ storage: 'memory:', ...config })
    before(troupe)
    const { checks } = await troupe.doctor()
    await troupe.close()
    return checks.find(({ id }) => id === 'logs.failures')
  }
  const sink = (write: (line: string) => unknown) => ({ format: 'json', destination: { write } }) as const

  it('The check of the log writes a line at level error and passes once the line has arrived.', async () => {
    const lines: string[] = []
    const found = await checked({ log: sink((line) => lines.push(line)) })
    expect(found).toMatchObject({
      status: 'pass',
      evidence: expect.stringContaining('a test line at level error arrived'),
    })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, doctor: true }])
  })

  it('The check of the log fails if the log is silent, was silenced, or its destination loses lines.', async () => {
    expect(await checked({ log: 'silent' })).toMatchObject({ status: 'fail', remedy: expect.any(String) })
    const silenced = await checked({ log: sink(() => true) }, (troupe) => {
      troupe.log.level = 'silent'
    })
    expect(silenced).toMatchObject({ status: 'fail', evidence: expect.stringContaining('silent') })
    const broken = await checked({
      log: sink(() => {
        throw new Error('EPIPE')
      }),
    })
    expect(broken).toMatchObject({ status: 'fail', evidence: expect.stringContaining('did not arrive') })
    const rejecting = await checked({ log: sink(() => Promise.reject(new Error('ENOSPC'))) })
    expect(rejecting).toMatchObject({ status: 'fail', evidence: expect.stringContaining('did not arrive') })
  })
})

describe('The check of the tables', () => {
  it('The check of the tables names a table that was removed while the troupe is open.', async () => {
    const storage = `sqlite:${join(practice.folder, 'tables.db')}`
    const troupe = await practice.opened({ storage })
    expect(await practice.diagnose(troupe)).toMatchObject({ 'storage.migrated': 'pass' })
    const db = new DatabaseSync(storage.slice('sqlite:'.length))
    db.exec('drop table security_audit_head')
    db.close()
    // Ends the snapshot of the reads before.
    await setImmediate()
    const { checks } = await troupe.doctor()
    expect(checks.find(({ id }) => id === 'storage.migrated')).toMatchObject({
      status: 'fail',
      evidence: 'Missing since the troupe opened: security_audit_head.',
    })
  })
})

describe('checks of a user', () => {
  it('The checks of an application execute like built-in checks, with the troupe and the project.', async () => {
    const check = own('shop.sales', async ({ troupe, production, project }) => {
      const count = troupe?.metrics.names().includes('sales') ? troupe.metrics.summary('sales').count : 0
      if (count > 0) return { status: 'pass', evidence: `${count} sold` }
      return { status: production ? 'fail' : 'warn', evidence: `nothing in ${project}`, remedy: 'sell' }
    })
    const troupe = await practice.opened({ doctor: { checks: [check] } })
    const diagnose = async (production: boolean) => {
      const report = await troupe.doctor({ production, project: practice.folder })
      return report.checks.find(({ id }) => id === 'shop.sales')
    }
    const base = { about: 'own', description: 'shop.sales holds.' }
    expect(await diagnose(false)).toMatchObject({
      ...base,
      status: 'warn',
      evidence: `nothing in ${practice.folder}`,
      remedy: 'sell',
    })
    expect(await diagnose(true)).toMatchObject({ status: 'fail' })
    troupe.metrics.increment('sales')
    expect(await diagnose(true)).toMatchObject({ status: 'pass', evidence: '1 sold' })
  })

  it('A check of an application that throws, hangs or answers nonsense fails alone.', async () => {
    const clock = createVirtualClock()
    let aborted = false
    const troupe = await practice.opened({
      clock,
      doctor: {
        checks: [
          own('breaks', () => {
            throw new Error('no shop')
          }),
          own('hangs', ({ signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted = true))), {
            timeout: '2s',
          }),
          own('mumbles', () => 'fine' as never),
          own('warns-without-remedy', () => ({ status: 'warn', evidence: 'x' }) as never),
          own('works', () => ({ status: 'pass', evidence: 'works' })),
        ],
      },
    })
    const asked = troupe.doctor()
    await clock.advance('2s')
    const { checks, status, counts } = await asked
    const found = Object.fromEntries(checks.filter(({ about }) => about === 'own').map((one) => [one.id, one]))
    expect(found).toMatchObject({
      breaks: {
        status: 'fail',
        evidence: expect.stringMatching(/^The check itself failed: no shop \[err_[0-9a-f]{16}\]$/),
        remedy: expect.stringContaining('the log'),
      },
      hangs: { status: 'fail', evidence: expect.stringContaining('timed out') },
      mumbles: { status: 'fail', evidence: 'The check mumbles returned an invalid result.' },
      'warns-without-remedy': { status: 'fail' },
      works: { status: 'pass' },
    })
    expect(aborted).toBe(true)
    expect(status).toBe('fail')
    expect(counts.pass + counts.warn + counts.fail).toBe(checks.length)
  })

  it('The checks of an application show no secret, and their evidence is bounded.', async () => {
    const key = 'cd'.repeat(32)
    const chatty = own('chatty', () => ({ status: 'warn', evidence: `it is ${key} ${'x'.repeat(5_000)}`, remedy: key }))
    const troupe = await practice.opened({ encryption: { keys: [{ id: 'k', key }] }, doctor: { checks: [chatty] } })
    const report = await troupe.doctor()
    expect(JSON.stringify(report)).not.toContain(key)
    expect(report.checks.find(({ id }) => id === 'chatty')?.evidence.length).toBeLessThan(1_100)
  })
})

describe('a configuration without a troupe', () => {
  it('A report about an unopened configuration shows no secret of it, even if the problem quotes one.', async () => {
    const password = 'of-the-database'
    const config = { storage: { host: '127.0.0.1', port: 1, user: 'u', database: 'd', password } }
    const report = await examineConfig(config, { problem: { message: `denied: ${password}`, hint: `not ${password}` } })
    const found = report.checks.find(({ id }) => id === 'troupe.opens')
    expect(found).toMatchObject({ status: 'fail', evidence: 'denied: [redacted]', remedy: 'not [redacted]' })
    expect(JSON.stringify(report)).not.toContain(password)
    await expect(examineConfig(null as never)).rejects.toThrow(ValidationError)
  })

  it('A configuration in YAML may contain attestations.', async () => {
    const day = new Date().toISOString().slice(0, 10)
    practice.write({ 'attest.yaml': `storage: 'memory:'\ndoctor:\n  attest:\n    load.tested: ${day}\n` })
    const { config, problems } = await loadConfig({ cwd: practice.folder, env: {}, file: 'attest.yaml' })
    expect(problems).toEqual([])
    const { checks } = await examineConfig(config)
    expect(checks.find(({ id }) => id === 'load.tested')).toMatchObject({ status: 'pass' })
  })
})

describe('createTroupe', () => {
  const rejected = async (doctor: object, problem: string | RegExp) => {
    const startup = createTroupe({ storage: 'memory:', doctor } as never)
    await expect(startup).rejects.toThrow(ValidationError)
    await expect(startup).rejects.toThrow(problem)
  }

  it('createTroupe rejects invalid checks, ids in use, and attestations of what the doctor can see.', async () => {
    const run = () => ({ status: 'pass', evidence: '' }) as const
    await rejected({ cheks: [] }, 'cheks')
    await rejected({ checks: [{ id: 'a', description: 'x', run, timout: '1s' }] }, 'timout')
    await rejected({ checks: [own('Not a name', run)] }, 'not lower-case words')
    await rejected({ checks: [own('node.version', run)] }, 'there is a check of that id')
    await rejected({ checks: [own('twice', run), own('twice', run)] }, 'there is a check of that id')
    await rejected({ checks: [own('a', 1 as never)] }, 'run must be a function')
    await rejected({ checks: [own('a', run, { timeout: '0s' })] }, 'at least 1ms')
    await rejected({ attest: { 'load.testd': '2026-11-01' } }, 'load.testd')
    await rejected({ attest: { 'node.version': '2026-11-01' } }, 'node.version')
    await rejected({ attest: { 'load.tested': '2026-02-30' } }, 'not a day')
    await rejected({ attest: { 'load.tested': 'yesterday' } }, 'not a day')
    await rejected({ attestFor: '0d' }, 'at least 1ms')
    await rejected({ backups: '' }, 'not a path')
  })
})

describe('troupe.doctor', () => {
  it('troupe.doctor rejects unknown options, and a project that is not a folder.', async () => {
    const troupe = await practice.opened()
    await expect(troupe.doctor({ prod: true } as never)).rejects.toThrow('prod')
    await expect(troupe.doctor({ production: 'yes' as never })).rejects.toThrow(ValidationError)
    await expect(troupe.doctor({ project: `${practice.folder}/nowhere` })).rejects.toThrow('it is not a folder')
  })

  it('troupe.doctor lists failures before warnings and passes, each by severity, and checks of the application as high.', async () => {
    const checks = [
      own('shop.open', () => ({ status: 'fail', evidence: 'closed', remedy: 'open' })),
      own('shop.stock', () => ({ status: 'warn', evidence: 'little', remedy: 'order' })),
    ]
    const troupe = await practice.opened({ doctor: { checks } })
    const joint = joined(await troupe.doctor(), await examineProject({ project: practice.folder }))
    const expected = ['fail', 'warn', 'pass'].flatMap((status) =>
      ['high', 'medium', 'low'].map((severity) => `${status} ${severity}`),
    )
    const found = joint.checks.map(({ id, status }) => `${status} ${severityOf(id)}`)
    expect(found).toEqual(found.toSorted((a, b) => expected.indexOf(a) - expected.indexOf(b)))
    const indexOf = (wanted: string) => joint.checks.findIndex(({ id }) => id === wanted)
    expect(indexOf('shop.open')).toBeLessThan(indexOf('project.lockfile'))
    expect(indexOf('storage.durable')).toBeLessThan(indexOf('shop.stock'))
    expect(indexOf('shop.stock')).toBeLessThan(indexOf('rates.limited'))
    expect(indexOf('rates.limited')).toBeLessThan(indexOf('load.tested'))
  })

  it('troupe.doctor reads every option of a server, and the policies of agents, tools and models.', async () => {
    const policies = { agents: { '*': { rateLimit: { limit: 9 } } }, models: { '*': { timeout: '1m' } } } as const
    const oidc = { issuer: 'https://id.test', clientId: 'troupe' }
    const server = { host: '0.0.0.0', publicUrl: 'http://troupe.test', oidc }
    const found = async (config: Partial<TroupeConfig>) => practice.diagnose(await practice.opened(config))
    expect(await found({ server, policies })).toMatchObject({
      'rates.limited': 'pass',
      'server.guarded': 'pass',
      'encryption.transit': 'warn',
      'secrets.named': 'pass',
    })
    expect(await found({ server: { ...server, key: 'k'.repeat(32) } })).toMatchObject({
      'rates.limited': 'warn',
      'secrets.named': 'warn',
    })
  })

  it('troupe.doctor rejects when its signal aborts.', async () => {
    const hangs = own('hangs', () => new Promise(() => {}))
    const troupe = await practice.opened({ doctor: { checks: [hangs] } })
    const stop = new AbortController()
    const asked = troupe.doctor({ signal: stop.signal })
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
    await expect(troupe.doctor({ signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('troupe.doctor leaves nothing in the storage.', async () => {
    const troupe = await practice.opened()
    const ada = troupe.user('ada')
    await ada.context.push('k', 1)
    const before = await ada.context.stats()
    await troupe.doctor()
    expect(await ada.context.stats()).toEqual(before)
    expect(await troupe.user('troupe.health').context.size()).toBe(0)
  })

  it('troupe.doctor reports a restored database that waits until it is resumed.', async () => {
    const original = await practice.opened({ storage: practice.file })
    await original.backup(join(practice.folder, 'backup'))
    const storage = `sqlite:${join(practice.folder, 'copy.db')}` as const
    await restoreBackup({ from: join(practice.folder, 'backup'), to: storage })
    const copy = await practice.opened({ storage })
    const moving = async () => (await copy.doctor()).checks.find(({ id }) => id === 'runs.moving')
    expect(await moving()).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining(`a backup of ${copy.restored?.backupAt}`),
      remedy: expect.stringContaining('troupe resume-restored'),
    })
    await copy.resumeRestored()
    expect(await moving()).toMatchObject({ status: 'pass' })
  })
})
