/** The server inside an app of somebody else's. */
import Fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { createTroupe, type Troupe } from '../startup/index.ts'
import { serve, troupePlugin } from './index.ts'
import { caller, echo } from './server-testbed.test.fixture.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})
const key = 'k'.repeat(32)

const serving = async (prefix?: string) => {
  const troupe: Troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo] })
  open.push(troupe)
  const app = Fastify({ routerOptions: { maxParamLength: 4_096 } })
  open.push(app)
  app.setNotFoundHandler((_, reply) => reply.code(404).send('mine: not found'))
  app.setErrorHandler((_, __, reply) => reply.code(500).send('mine: broken'))
  app.get('/mine', async () => 'mine')
  app.get('/mine/broken', async () => {
    throw new Error('of mine')
  })
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_, body, done) => done(null, body))
  app.post('/mine', async ({ body }) => body)
  await app.register(troupePlugin, { troupe, key, ...(prefix === undefined ? {} : { prefix }) })
  const url = await app.listen({ port: 0 })
  return { troupe, app, mine: caller(url), call: caller(`${url}${prefix ?? ''}`, { 'x-api-key': key }) }
}

it.each([undefined, '/agents'])('The plugin serves only its own routes, under the prefix %s.', async (prefix) => {
  const { mine, call } = await serving(prefix)
  const own = await mine('GET', '/mine')
  expect([own.text, own.headers.get('content-security-policy'), own.headers.get('x-request-id')]).toEqual([
    'mine',
    null,
    null,
  ])
  expect((await mine('GET', '/mine/broken')).text).toBe('mine: broken')
  const { paths } = (await call('GET', '/v1/openapi.json')).body
  expect(Object.keys(paths)).toContain(`${prefix ?? ''}/v1/runs/{run}`)
  expect((await mine('GET', '/elsewhere')).text).toBe('mine: not found')
  expect((await mine('POST', '/mine', 'a,b', { 'content-type': 'text/csv' })).text).toBe('a,b')

  const begun = await call('POST', '/v1/runs', { id: 'r', task: 1 })
  expect([begun.status, begun.headers.get('location')]).toEqual([201, `${prefix ?? ''}/v1/runs/r`])
  expect(begun.headers.get('content-security-policy')).toContain("default-src 'self'")
  expect((await call('GET', '/v1/runs/r/result?wait=20s')).body).toMatchObject({ response: { received: 1 } })
  expect((await call('GET', '/v1/runs/none')).body).toMatchObject({ code: 'run.unknown' })
  expect((await call('GET', '/v1/runs', undefined, { 'x-api-key': 'wrong' })).status).toBe(401)
  const longest = encodeURIComponent('é'.repeat(512))
  expect((await call('PUT', `/v1/context/entries/${longest}`, { value: 1 })).status).toBe(200)
  expect((await call('GET', '/health')).body).toEqual({ status: 'ok' })
  expect((await call('POST', '/v1/runs', 'a,b', { 'content-type': 'text/csv' })).status).toBe(415)
})

it('The plugin is rejected without a troupe, with what to pass.', async () => {
  const app = Fastify()
  open.push(app)
  const nothing = { key } as unknown as Parameters<typeof troupePlugin>[1]
  await expect(app.register(troupePlugin, nothing)).rejects.toMatchObject({ code: 'validation.failed' })
  const promised = createTroupe({ storage: 'memory:', log: 'silent' })
  await expect(serve(promised as unknown as Troupe)).rejects.toThrow(/the result of createTroupe\(\)/)
  open.push(await promised)
})
