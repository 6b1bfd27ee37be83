import { afterEach, expect, it } from 'vitest'
import { Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

it('A server distinguishes an unsupported method from an unknown path.', async () => {
  const { call } = await servers.start()
  const wrong = [
    ['PUT', '/v1/runs', 'GET, HEAD, POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['PATCH', '/v1/context/entries/a%2Fb?x=1', 'DELETE, GET, HEAD, PUT'],
    ['GET', '/execute', 'POST'],
  ] as const
  for (const [method, path, allowed] of wrong) {
    const { status, headers, body } = await call(method, path)
    expect([path, status, body.code, headers.get('allow')]).toEqual([path, 405, 'route.method', allowed])
    expect(headers.get('content-type')).toContain('application/problem+json')
    const options = await call('OPTIONS', path)
    expect([options.status, options.headers.get('allow')]).toEqual([204, allowed])
  }
  for (const path of ['/v1/nothing', '/v1/runs/one/two', '/V1/runs'])
    expect(await call('PUT', path), path).toMatchObject({ status: 404, body: { code: 'route.missing' } })
})

it('A server answers a path that is not percent-encoded UTF-8, and OPTIONS without an origin, in its own form.', async () => {
  const { call } = await servers.start({}, { origins: ['https://app.test'] })
  for (const path of ['/v1/runs/%zz', '/v1/context/entries/%ff'])
    expect(await call('GET', path), path).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', detail: expect.stringContaining('percent-encoding') },
    })
  expect(await call('OPTIONS', '/v1/runs')).toMatchObject({ status: 204, text: '' })
})
