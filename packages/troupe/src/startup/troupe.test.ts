import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineMessage,
  LlmAgent,
  type TroupeConfig,
  type TroupeError,
  type TroupeEvent,
  Worker,
} from '../index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-open-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('createTroupe', () => {
  it('createTroupe rejects unknown options before it opens anything.', async () => {
    const path = join(folder, 'troupe.db')
    const wrong: object[] = [
      { storrage: 'memory:' },
      { storage: 5 },
      { storage: `sqlite:${path}`, messaging: { capcity: { count: 1 } } },
      { storage: `sqlite:${path}`, messaging: { lease: 30 } },
      { storage: `sqlite:${path}`, presence: { heartbeet: '1s' } },
      { storage: `sqlite:${path}`, log: 'loud' },
      { storage: `sqlite:${path}`, requireUserId: 'yes' },
      { storage: `sqlite:${path}`, profile: 'prod' },
      { storage: `sqlite:${path}`, profile: 'production', requireUserId: false },
      { storage: `sqlite:${path}`, agents: [{ name: '' }] },
      { storage: `sqlite:${path}`, prices: { 'a/b': { input: -1, output: 1 } } },
    ]
    for (const config of wrong)
      await expect(createTroupe(config as TroupeConfig), JSON.stringify(config)).rejects.toMatchObject({
        name: 'ValidationError',
      })
    // What was opened by then was closed again: the file is nobody's.
    const troupe = await createTroupe({ storage: `sqlite:${path}`, log: 'silent' })
    await troupe.close()
  })

  it('createTroupe rejects an array of 100,000 values as options within 50 ms of processor time.', async () => {
    const options = new Array(100_000).fill(0) as never
    let fastestMs = Number.POSITIVE_INFINITY
    for (let n = 0; n < 9; n++) {
      const before = process.cpuUsage()
      await expect(createTroupe(options)).rejects.toMatchObject({ name: 'ValidationError' })
      const { user, system } = process.cpuUsage(before)
      fastestMs = Math.min(fastestMs, (user + system) / 1_000)
    }
    expect(fastestMs).toBeLessThan(50)
  })

  it('createTroupe accepts roles of the application, for clients and agents, and rejects unknown tools in them.', async () => {
    for (const [roles, pattern] of [
      [{ auditor: { tools: ['get_contxt'] } }, /did you mean get_context/],
      [{ auditor: { tools: [], powers: ['fly'] } }, /fly is none/],
      [{ auditor: { tools: [null as never] } }, /null is none/],
      [{ auditor: {} }, /lists/],
      [{ auditor: { tool: [] } }, /tool/],
    ] as const)
      await expect(createTroupe({ storage: 'memory:', roles: roles as never })).rejects.toThrow(pattern)
    const agent = defineAgent({ name: 'A', role: 'auditor', run: async (_, ctx) => ctx.context.push('k', 1) })
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      roles: { auditor: { tools: ['get_context', 'delete_context'], powers: ['delete_others'] } },
    })
    const ada = troupe.user('ada')
    const auditor = ada.agent('Auditor', { role: 'auditor' })
    await ada.agent('B').context.push('k', 1)
    await expect(auditor.context.push('l', 1)).rejects.toMatchObject({ code: 'access.denied' })
    expect(await auditor.context.delete('k')).toBe(true)
    await expect(ada.session(agent).run('x')).resolves.toMatchObject({ success: false })
    expect(() => ada.agent('C', { role: 'auditr' })).toThrow(expect.objectContaining({ code: 'role.unknown' }))
  })

  it('A worker has the roles of the troupe: custom roles, and those that replace built-in roles.', async () => {
    const roles = { writer: { tools: ['push_context'] }, contributor: { tools: ['get_context'] } } as const
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', roles })
    const ada = troupe.user('ada')
    const Note = defineMessage('note')
    const handled = (name: string, access: { readonly role?: string }) =>
      new Worker(name, { access }).on(Note, async (_, { context }) => {
        const written = await context.push(name, 1).catch(({ code }: TroupeError) => code)
        return typeof written === 'string' ? written : 'written'
      })
    await ada.start(handled('Writer', { role: 'writer' }))
    await ada.start(handled('Reader', {}))
    const { messages } = ada.agent('Host', { role: 'admin' })
    const asked = (to: string) => messages.request(Note, null, { to, timeout: '10s' })
    expect(await Promise.all(['Writer', 'Reader'].map(asked))).toEqual(['written', 'access.denied'])
    await expect(ada.start(new Worker('Other', { access: { role: 'writr' } }))).rejects.toMatchObject({
      code: 'role.unknown',
      hint: expect.stringContaining('did you mean writer?'),
    })
  })

  it('createTroupe rejects an agent with an unknown role, in helpers and teams too.', async () => {
    const misconfigured = new LlmAgent({ name: 'Clerk', role: 'adminn', model: 'offline/extractive' })
    const lead = new LlmAgent({ name: 'Lead', agents: { misconfigured }, model: 'offline/extractive' })
    const topology = { agents: [lead], flows: ['Start -> Lead', 'Lead -> End'] }
    const unknown = {
      code: 'role.unknown',
      message: 'There is no role adminn, which Clerk names.',
      hint: expect.stringContaining('did you mean admin?'),
    }
    for (const config of [{ agents: [misconfigured] }, { agents: [lead] }, { teams: { topology } }])
      await expect(createTroupe({ storage: 'memory:', ...config })).rejects.toMatchObject(unknown)
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    expect(() => troupe.user('ada').session(lead)).toThrow(expect.objectContaining(unknown))
    const roles = { adminn: { tools: ['get_context'] } } as const
    await (
      await createTroupe({ storage: 'memory:', log: 'silent', roles, agents: [misconfigured], teams: { topology } })
    ).close()
  })

  it('createTroupe reports the invalid topologies of all teams at once.', async () => {
    const [a, b] = ['A', 'B'].map((name) => defineAgent({ name, run: async () => null })) as [Agent, Agent]
    const teams = {
      one: { agents: [a], flows: ['A -> Nobody'] },
      two: { agents: [b], flows: ['B -> Nowhere'] },
    }
    await expect(createTroupe({ storage: 'memory:', log: 'silent', teams })).rejects.toMatchObject({
      code: 'config.invalid',
      details: { problems: [expect.stringContaining('Nobody'), expect.stringContaining('Nowhere')] },
    })
  })

  it('The start of a team with unknown roles or models is rejected, and names them all.', async () => {
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      models: { registry: { fast: 'openai/x' } },
    })
    const { orchestra, schedules } = troupe.user('ada')
    const misconfigured = new LlmAgent({ name: 'Clerk', role: 'adminn', model: ['fst', 'offline/extractive'] })
    const topology = { agents: [misconfigured], flows: ['Start -> Clerk', 'Clerk -> End'] }
    const found = [
      { code: 'role.unknown', severity: 'error', location: 'Clerk' },
      {
        code: 'model.unknown',
        severity: 'error',
        location: 'Clerk',
        message: expect.stringContaining('did you mean fast?'),
      },
    ]
    expect(await orchestra.check(topology)).toMatchObject(found)
    await expect(orchestra.start({ task: 1, topology })).rejects.toMatchObject({
      code: 'topology.rejected',
      findings: found,
    })
    await expect(schedules.create({ task: 1, topology, every: '1h' })).rejects.toMatchObject({
      code: 'topology.rejected',
    })
  })

  it('createTroupe changes no file that is not its own.', async () => {
    const path = join(folder, 'notes.txt')
    writeFileSync(path, 'my notes')
    await expect(createTroupe({ storage: `sqlite:${path}` })).rejects.toMatchObject({ code: 'storage.foreign' })
    expect(readFileSync(path, 'utf8')).toBe('my notes')
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('A database file is owned by one troupe at a time, and the second is rejected.', async () => {
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const first = await createTroupe({ storage, log: 'silent' })
    await expect(createTroupe({ storage })).rejects.toMatchObject({
      code: 'storage.owned',
      details: { pid: process.pid },
    })
    await first.close()
    await (await createTroupe({ storage, log: 'silent' })).close()
  })

  it('A troupe closes once, rejects later calls, and can be disposed of.', async () => {
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const ada = troupe.user('ada')
    await Promise.all([troupe.close(), troupe.close()])
    await expect(ada.context.push('k', 1)).rejects.toMatchObject({ code: 'troupe.closed' })
    const agent = defineAgent({ name: 'A', run: async () => 1 })
    await expect(
      ada.orchestra.run({ task: 1, topology: { agents: [agent], flows: ['Start -> A', 'A -> End'] } }),
    ).rejects.toMatchObject({
      code: 'troupe.closed',
    })
    await using other = await createTroupe({ storage: 'memory:', log: 'silent' })
    expect(other.storageState()).toEqual({ state: 'open' })
  })

  it('A troupe with required user ids rejects the shared user, as in production.', async () => {
    const encryption = { keys: [{ id: 'test', key: new Uint8Array(32) }] }
    for (const strictly of [{ requireUserId: true }, { profile: 'production', encryption }] as const) {
      await using strict = await createTroupe({
        storage: `sqlite:${join(folder, 'troupe.db')}`,
        log: 'silent',
        ...strictly,
      })
      for (const id of ['', 'default']) expect(() => strict.user(id)).toThrow(/user/i)
    }
    await using open = await createTroupe({ storage: 'memory:', log: 'silent' })
    await open.user('default').context.push('k', 1)
  })

  it('user.start and user.session explain which of them takes a worker or an agent.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:' })
    const ada = troupe.user('ada')
    const agent = defineAgent({ name: 'A', run: () => 1 })
    await expect(ada.start(agent as never)).rejects.toThrow(
      'The argument of user.start is not valid: it is not a Worker',
    )
    expect(() => ada.session(new Worker('W') as never)).toThrow('workers are started (start)')
    const nameless = { step: () => {}, name: new Proxy(() => {}, { get: () => expect.unreachable('read') }) }
    expect(() => ada.session(nameless as never)).toThrow('The agent a function is not allowed')
  })
  it('troupe.on rejects an unknown event, and names the nearest one.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    expect(() => troupe.on('run.complete' as 'run.completed', () => {})).toThrow(/run\.complete/)
    expect(() => troupe.on('runs.*' as 'run.*', () => {})).toThrow(/runs/)
    for (const type of ['*', 'run.*', 'incident.recorded'] as const) troupe.on(type, () => {})()
  })

  it('The observers and metrics of a troupe receive events without content.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const seen: TroupeEvent[] = []
    troupe.on('*', (event) => {
      seen.push(event)
      throw new Error('observers never matter')
    })
    const agent = defineAgent({ name: 'A', run: async (_, ctx) => void (await ctx.context.push('k', 'a secret')) })
    await troupe
      .user('ada')
      .orchestra.run({ task: 'a secret task', topology: { agents: [agent], flows: ['Start -> A', 'A -> End'] } })
    expect(seen.map((event) => event.type)).toEqual(
      expect.arrayContaining(['run.started', 'step.completed', 'run.completed']),
    )
    expect(JSON.stringify(seen)).not.toContain('secret')
    expect(troupe.metrics.summary('run.completed').count).toBe(1)
    expect((await troupe.metrics.gauges())['storage.database.bytes']).toBeGreaterThan(4_096)
    expect(await troupe.metrics.prometheus()).toMatch(/^troupe_storage_rows\{table="context_entries"\} \d+$/m)
  })
})
