/** What a caller that is bound to an agent sees and does of runs: its own steps, and nothing of the steps of others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineAgent, finish, handOff } from '../../agents/index.ts'
import type { Run } from '../../runs/index.ts'
import type { Route } from '../route.ts'
import { routes } from '../routes.ts'
import { type CallServer, caller, type Served, Servers } from '../server-testbed.test.fixture.ts'

const secret = 'CANARY-of-a'
const ours = 'known-to-b'
const a = defineAgent({
  name: 'A',
  run: async (_, ctx) => {
    const held = await ctx.effect('look', { class: 'read' }, () => secret)
    await ctx.context.push('private', held, { audience: 'owner' })
    return handOff('B', ours)
  },
})
const b = defineAgent({
  name: 'B',
  run: async (input, ctx) => {
    const seen = await ctx.effect('note', { class: 'read' }, () => `seen ${input}`)
    return handOff('C', seen)
  },
})
const c = defineAgent({
  name: 'C',
  run: async (_, ctx) =>
    finish(await ctx.ask({ kind: 'approval', text: `Pay ${secret}?`, tool: 'pay', args: { to: secret } })),
})
const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Well?' })) })
const agents = [a, b, c, asker]
const teams = {
  abc: { agents: [a, b, c], flows: ['Start -> A', 'A -> B', 'B -> C', 'C -> End'] },
  above: { agents: [asker], flows: ['Start -> Asker', 'Asker -> End'] },
}

describe('a caller bound to an agent', () => {
  const servers = new Servers()
  let served: Served
  let run: Run
  const keys = new Map<string, CallServer>()
  beforeAll(async () => {
    served = await servers.start({ agents, teams }, { authentication: 'required', rateLimit: false })
    const { troupe, url } = served
    for (const agent of ['A', 'B', 'C', 'D']) {
      const { key } = await troupe.apiKeys.create({ name: agent, users: ['ada'], role: 'admin', agent })
      keys.set(agent, caller(url, { authorization: `Bearer ${key}` }))
    }
    const named = await troupe.apiKeys.create({
      name: 'named',
      users: ['ada'],
      role: 'contributor',
      agent: 'D',
      operations: ['runs.answer', 'runs.approve'],
    })
    keys.set('D who may approve', caller(url, { authorization: `Bearer ${named.key}` }))
    run = await troupe.user('ada').orchestra.start({ task: secret, team: 'abc', tags: [secret] })
    await run.result()
  })
  afterAll(() => servers.close())
  const as = (agent: string) => keys.get(agent) as CallServer
  const pathOf = (route: Route) => {
    const values: Record<string, string> = { run: run.id, other: run.id, step: '1#1', seq: '1', key: 'private' }
    return route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? 'x'))
  }

  it('A caller that is bound to an agent is rejected on every route that the table does not open to agents.', async () => {
    for (const route of routes.filter(({ agents: access }) => access === undefined)) {
      const body = route.body ? {} : undefined
      const { status, body: problem } = await as('A')(route.method, pathOf(route), body)
      expect([route.path, status, problem.code]).toEqual([route.path, 403, 'request.forbidden'])
    }
  })

  for (const agent of ['B', 'D'])
    it(`A caller that is bound to the agent ${agent} reads nothing of the steps of other agents on any route.`, async () => {
      for (const route of routes.filter(({ method }) => method === 'GET')) {
        const stream = 'events' in route
        if (stream && route.path !== '/v1/runs/:run/events') continue
        const { text } = await as(agent)('GET', pathOf(route) + (stream ? '?untilWaiting=true' : ''))
        expect([route.path, text.includes(secret)]).toEqual([route.path, false])
      }
    })

  it('A caller that is bound to an agent sees the status of runs in which the agent has a step, and no other runs.', async () => {
    expect((await as('B')('GET', `/v1/runs/${run.id}`)).body).toMatchObject({ run: run.id, status: 'waiting' })
    const unknown = await as('D')('GET', `/v1/runs/${run.id}`)
    expect([unknown.status, unknown.body.code]).toEqual([404, 'run.unknown'])
    expect((await as('D')('GET', '/v1/runs')).body.items).toEqual([])
    const { items } = (await as('B')('GET', '/v1/runs')).body
    expect(items).toMatchObject([{ id: run.id, status: 'waiting', tags: [], agents: ['B'] }])
    for (const query of ['search=CANARY', `tags=${secret}`, 'agent=A', 'minCost=0'])
      expect((await as('B')('GET', `/v1/runs?${query}`)).status, query).toBe(403)
  })

  it('A caller that is bound to an agent reads the events and calls of its own steps.', async () => {
    const { body } = await as('B')('GET', `/v1/runs/${run.id}/steps/${encodeURIComponent('1#2')}/calls`)
    expect(body.calls).toMatchObject([{ name: 'note', output: `seen ${ours}` }])
    for (const part of ['calls', 'prompts'])
      expect((await as('B')('GET', `/v1/runs/${run.id}/steps/${encodeURIComponent('1#1')}/${part}`)).status).toBe(403)
    const { text } = await as('B')('GET', `/v1/runs/${run.id}/events?untilWaiting=true`)
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['step.started', 'step.completed']))
    expect(new Set(events.map(({ step }) => step))).toEqual(new Set(['1#2']))
    expect(text).toContain(ours)
  })

  it('A caller that is bound to an agent gives no approval of a run with its steps, and others only with that operation or in runs that it started.', async () => {
    const [question] = (await run.result()).questions
    const body = { question: question?.id, value: { approve: true, hash: question?.hash } }
    const path = `/v1/runs/${run.id}/answers`
    for (const agent of ['A', 'B', 'C', 'D'])
      expect((await as(agent)('POST', path, body)).body.code, agent).toBe('request.forbidden')
    const { key } = await served.troupe.apiKeys.create({ name: 'host', users: ['ada'], role: 'admin' })
    const host = caller(served.url, { authorization: `Bearer ${key}` })
    const acting = await host('POST', path, body, { 'troupe-agent': 'C' })
    expect(acting.body.code).toBe('request.forbidden')
    const narrow = await served.troupe.apiKeys.create({ name: 'n', users: ['ada'], operations: ['runs.answer'] })
    const answering = await caller(served.url, { authorization: `Bearer ${narrow.key}` })('POST', path, body)
    expect(answering.body.code).toBe('request.forbidden')
    expect((await run.status()).status).toBe('waiting')
    expect((await as('D who may approve')('POST', path, body)).status).toBe(200)
    expect((await run.result()).status).toBe('completed')
    const started = (await as('D')('POST', '/v1/runs', { task: secret, team: 'abc' })).body.run
    const waits = (await as('D')('GET', `/v1/runs/${started}/result?wait=5s`)).body
    const own = { question: waits.questions[0].id, value: { approve: true, hash: waits.questions[0].hash } }
    const ownPath = `/v1/runs/${started}/answers`
    expect((await as('C')('POST', ownPath, own)).body.code).toBe('request.forbidden')
    const operations = ['runs.start', 'runs.read', 'runs.answer'] as const
    const limited = await served.troupe.apiKeys.create({ name: 'l', users: ['ada'], agent: 'D', operations })
    const withoutApprovals = caller(served.url, { authorization: `Bearer ${limited.key}` })
    expect((await withoutApprovals('POST', ownPath, own)).body.code).toBe('request.forbidden')
    expect((await as('D')('POST', ownPath, own)).status).toBe(200)
  })

  it('A caller that is bound to an agent sees and answers questions of runs that it started, and of no others.', async () => {
    const started = (await as('D')('POST', '/v1/runs', { task: 1, team: 'above' })).body.run
    const waits = await as('D')('GET', `/v1/runs/${started}/result?wait=5s`)
    expect(waits.body).toMatchObject({ status: 'waiting', questions: [{ text: 'Well?' }] })
    const question = waits.body.questions[0].id
    const other = await as('B')('POST', `/v1/runs/${started}/answers`, { question, value: 'x' })
    expect(other.body.code).toBe('run.unknown')
    expect((await as('D')('POST', `/v1/runs/${started}/answers`, { question, value: 'x' })).status).toBe(200)
    await as('D')('GET', `/v1/runs/${started}/result?wait=5s`)
    expect((await as('D')('GET', `/result/${started}`)).body).toMatchObject({ status: 'completed', result: 'x' })
    expect((await as('B')('GET', `/result/${started}`)).body.code).toBe('run.unknown')
    const repeated = await as('B')('POST', '/v1/runs', { id: started, task: 1, team: 'above' })
    expect([repeated.status, (await as('B')('GET', `/result/${started}`)).status]).toEqual([201, 404])
  })
})
