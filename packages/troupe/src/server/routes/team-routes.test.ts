/** Teams that a request puts together of registered agents. */
import { afterEach, describe, expect, it } from 'vitest'
import { echo, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const inner = { name: 'Inner', topology: { agents: ['Echo'], flows: ['Echo -> End'] } }
const forms = {
  flows: { agents: ['Echo'], flows: ['Start -> Echo', 'Echo -> End'] },
  'nodes and edges': { nodes: [{ name: 'Echo', kind: 'agent' }], edges: [{ from: 'Echo', to: 'End' }] },
  'a team inside a team': { agents: ['Echo', inner], flows: ['Echo -> Inner'] },
}

describe.each(Object.entries(forms))('a team as JSON, by %s', (_, topology) => {
  it('A team as JSON can be checked, run and scheduled.', async () => {
    const { call } = await servers.start()
    expect(await call('POST', '/v1/check', { topology })).toMatchObject({ status: 200, body: { findings: [] } })
    const { body } = await call('POST', '/execute', { task: 1, topology })
    const result = await call('GET', `/v1/runs/${body.task_id}/result?wait=20s`)
    expect(result.body).toMatchObject({ status: 'completed', success: true })
    const made = await call('POST', '/v1/schedules', { id: 'daily', task: 2, topology, every: '1d' })
    expect(made).toMatchObject({ status: 201, body: { id: 'daily' } })
    const { run } = (await call('POST', '/v1/schedules/daily/trigger')).body
    const triggered = await call('GET', `/v1/runs/${encodeURIComponent(run)}/result?wait=20s`)
    expect(triggered.body).toMatchObject({ status: 'completed', success: true })
  })
})

it('A team as JSON with an unknown agent is rejected with the known ones, and an invalid team is rejected.', async () => {
  const { call } = await servers.start()
  const unknown = await call('POST', '/v1/check', { topology: { agents: ['Ecco'], flows: ['Ecco -> End'] } })
  expect(unknown).toMatchObject({ status: 404, body: { code: 'team.unknown' } })
  expect(unknown.body.detail).toContain('no agent Ecco; it has Echo, Asking')
  for (const topology of [
    { canonical: {}, agents: {} },
    { agents: [{ name: 'Inner', topology: 5 }], flows: [] },
    { version: 1, nodes: [null], edges: [null] },
    { nodes: [{ name: 'Echo', kind: 'agent' }], edges: [{ from: 'Echo' }] },
  ])
    expect(await call('POST', '/v1/check', { topology }), JSON.stringify(topology)).toMatchObject({ status: 400 })
})

it('A run over HTTP starts a registered team, an agent or a topology, and exactly one of them.', async () => {
  const { call } = await servers.start({ teams: { solo: { agents: [echo], flows: ['Echo -> End'] } } })
  const solo = await call('GET', '/v1/teams/solo')
  expect((await call('GET', '/v1/teams')).body).toEqual({ items: [{ name: 'solo', agents: ['Echo'] }] })
  // The only one there is: it need not be named.
  expect((await call('POST', '/v1/runs', { task: 1, id: 'only' })).status).toBe(201)
  const repeated = await call('POST', '/v1/runs', { task: 1, id: 'sent', topology: solo.body.topology })
  expect(repeated.status).toBe(201)
  expect((await call('GET', '/v1/runs/sent/result?wait=20s')).body).toMatchObject({ response: { received: 1 } })
  const known = await call('GET', '/v1/agents')
  expect(known.body.items).toEqual([{ name: 'Echo' }, { name: 'Asking' }])
  const topology = { nodes: [{ name: 'Echo', kind: 'agent', agent: 'Echo' }], edges: [] }
  expect((await call('POST', '/v1/check', { topology })).body).toEqual({ findings: [] })
  expect((await call('POST', '/v1/runs', { task: 1, topology, id: 'own' })).status).toBe(201)
  const name = await call('POST', '/v1/runs', { task: 1, topology: 'solo' })
  expect(name).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
  expect((await call('POST', '/v1/runs', { task: 1, agent: 'Echo', id: 'alone' })).status).toBe(201)
  expect((await call('POST', '/v1/runs', { task: 1, team: 'Echo', id: 'by-agent' })).status).toBe(201)
  const absent = await call('POST', '/v1/runs', { task: 1, agent: 'Ecoh' })
  expect(absent).toMatchObject({ status: 404, body: { code: 'team.unknown' } })
  // A team is a team or an agent: the message names both.
  const team = await call('POST', '/v1/runs', { task: 1, team: 'none' })
  expect(team.body.detail).toBe('The troupe has no team none; it has solo, Echo, Asking.')
  const near = await call('POST', '/v1/runs', { team: 'ecoh', task: 'x' })
  expect(near.body.detail).toBe('The troupe has no team ecoh; it has solo, Echo, Asking; the nearest is Echo.')
  const both = await call('POST', '/v1/runs', { task: 1, team: 'solo', agent: 'Echo' })
  expect(both).toMatchObject({ status: 400, body: { code: 'validation.failed' } })
  expect(both.body.detail).toContain('exactly one of team, agent and topology; team and agent are there')
})
