/** Teams that a request puts together of registered agents. */
import { afterEach, describe, expect, it } from 'vitest'
import { Servers } from './server.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const inner = { name: 'Inner', topology: { agents: ['Echo'], flows: ['Echo -> End'] } }
const forms = {
  flows: { agents: ['Echo'], flows: ['Start -> Echo', 'Echo -> End'] },
  'nodes and edges': { nodes: [{ name: 'Echo', kind: 'agent' }], edges: [{ from: 'Echo', to: 'End' }] },
  'a team inside a team': { agents: ['Echo', inner], flows: ['Echo -> Inner'] },
}

describe.each(Object.entries(forms))('a team as JSON, by %s', (_, topology) => {
  it('is checked, run and scheduled', async () => {
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

it('names the agents that there are for one that is not, and refuses what is no team', async () => {
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
