/** What a request that does not fit is told. */
import type { FastifyRequest } from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { failure } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'
import { Servers } from '../server-testbed.test.fixture.ts'
import { problemOf } from './problem-details.ts'

const servers = new Servers()
afterEach(() => servers.close())

it('The problem details name the nearest option in each of several forms.', async () => {
  const { call } = await servers.start()
  const push = { type: 'push', key: 'a', value: 1, tll: '1h' }
  const { body } = await call('POST', '/v1/context/batch', { operations: [push] })
  expect(body).toMatchObject({ code: 'option.unknown', hint: 'Did you mean ttl?' })
  expect(body.detail).toContain('body/operations/0')
})

it('The problem details name the accepted forms if none fits.', async () => {
  const { call } = await servers.start()
  const wrong = [
    ['POST', '/v1/runs', { task: 1, topology: [] }, 'body/topology: it must be a topology as JSON; a name is a team'],
    ['POST', '/v1/api-keys', { name: 'a' }, "body/users: it is 'all' or a list of names"],
    ['PUT', '/v1/context/entries/a', { value: 1, writers: 'all' }, 'body/writers: it must be owner, readers or a list'],
    ['POST', '/v1/runs/a/breakpoints', { breakOn: { agnet: 'A' } }, "body/breakOn: it is 'error', { agent }"],
    ['POST', '/v1/evaluations', { runs: [], change: {}, score: 'best' }, "body/score: it is 'exact', 'citations'"],
    ['POST', '/v1/evaluations', { runs: 5, change: {}, score: 'exact' }, 'body/runs: it must be a list of ids'],
  ] as const
  for (const [method, path, sent, message] of wrong) {
    const { status, body } = await call(method, path, sent)
    expect([status, body.code]).toEqual([400, 'request.invalid'])
    expect(body.detail).toContain(message)
  }
})

it('The problem details say where JSON breaks, and which keys are rejected.', async () => {
  const { call } = await servers.start()
  const detailOf = async (text: string) => (await call('POST', '/v1/runs', text)).body.detail
  expect(await detailOf('{"task": 1,}')).toMatch(/its body is not JSON, from position 11\b/)
  expect(await detailOf('{"task":')).toContain('its body is not JSON')
  for (const text of ['{"task":{"__proto__":1}}', '{"task":{"constructor":{"prototype":1}}}'])
    expect(await detailOf(text)).toContain('its body names __proto__ or constructor.prototype')
})

it('The problem details of a failed storage name its location to operators alone.', () => {
  const log = { error() {} } as unknown as Log
  const details = { path: 'postgres://planted/shop', problem: 'connect ECONNREFUSED' }
  for (const error of [
    failure('storage.full', { path: '/srv/planted/troupe.db' }),
    failure('storage.unreachable', details, { cause: new Error(details.problem) }),
  ]) {
    const problemFor = (isOperator: boolean) => problemOf(error, { id: 'r' } as FastifyRequest, log, isOperator)
    const { code, status, message } = error
    expect(message).toContain('planted')
    expect(problemFor(true)).toMatchObject({ code, status, detail: message })
    expect(problemFor(false)).toMatchObject({ code, status, detail: 'The storage cannot serve this now.' })
    expect(JSON.stringify(problemFor(false))).not.toContain('planted')
  }
})
