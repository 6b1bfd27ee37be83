import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { serve, serveMetrics } from '../index.ts'
import { caller, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())
const key = 'k'.repeat(32)

describe('figures on a port of their own', () => {
  it('The metrics on a separate port need no key, although the other routes do.', async () => {
    const { troupe, url } = await servers.start({}, { key, metrics: { port: 0 } })
    const own = await serveMetrics(troupe, { port: 0 })
    const found = await fetch(own.url)
    expect(found.headers.get('content-type')).toContain('version=0.0.4')
    expect(await found.text()).toContain('# TYPE troupe_')
    const at = caller(new URL(own.url).origin)
    expect((await at('GET', '/health')).body).toEqual({ status: 'ok' })
    expect((await at('GET', '/v1/runs')).body.code).toBe('route.missing')
    expect((await caller(url)('GET', '/metrics')).status).toBe(401)
    await own.close()
    await expect(fetch(own.url)).rejects.toThrow()
  })

  it('The metrics on a separate port end with the server, and reject foreign host names.', async () => {
    const { troupe } = await servers.start({}, { key })
    const server = await serve(troupe, { port: 0, key, metrics: { port: 0 } })
    const url = server.metricsUrl ?? ''
    expect((await fetch(url)).status).toBe(200)
    const rebound = await new Promise<number | undefined>((resolve) =>
      request(url, { headers: { host: 'evil.test' } }, ({ statusCode }) => resolve(statusCode)).end(),
    )
    expect(rebound).toBe(403)
    await server.close()
    await expect(fetch(url)).rejects.toThrow()
  })

  it('The metrics leave nothing open if their port is in use, and reject wrong options.', async () => {
    const { troupe, url } = await servers.start({}, { key })
    const usedPort = Number(new URL(url).port)
    await expect(serve(troupe, { port: 0, key, metrics: { port: usedPort } })).rejects.toThrow('EADDRINUSE')
    for (const metrics of [{ port: -1 }, { port: 0, host: 7 }, { port: 0, path: '/x' }])
      await expect(serve(troupe, { port: 0, key, metrics } as never)).rejects.toMatchObject({
        code: expect.stringMatching(/validation.failed|option.unknown/),
      })
  })
})
