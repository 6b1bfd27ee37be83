/**
 * No text that a caller sends makes the server fail: each value in each parameter and field of each route of the
 * OpenAPI.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../test/postgres/postgres-server.ts'
import type { TroupeConfig } from '../index.ts'
import { openRoutes } from './open-route.ts'
import { echo, type Served, Servers } from './server-testbed.test.fixture.ts'

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema?: Schema
}
interface Described {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body: Schema | undefined
}

/** As JSON texts, for some are no value that `JSON.stringify` could make. */
const hostile = [
  '"a\\u0000b"',
  '"x\\udfff\\ud800"',
  '"\\ufffe\\u202e\\ufeff"',
  '""',
  `"${'é'.repeat(3_000)}"`,
  '"../../x%00%ff%"',
  '"__proto__"',
  `"'; drop table runs; --\\\\"`,
  '"1e999"',
  '1e308',
  '9007199254740993',
  '-0.1',
  'null',
  '["a\\u0000b"]',
  '["\\ud800",null,[],{}]',
  `${'['.repeat(200)}${']'.repeat(200)}`,
  '{"toJSON":"x","length":-1,"then":1,"a\\u0000":{"\\ud800":1}}',
  `[${'"x",'.repeat(2_000)}"x"]`,
]

/** A value that a schema accepts, as far as its types tell. */
function sample(schema: Schema = {}): unknown {
  const options = schema.anyOf ?? schema.oneOf
  if (options) return sample(options[0])
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object' || schema.properties)
    return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(schema.properties?.[name])]))
  if (type === 'array') return [sample(schema.items)]
  if (type === 'number' || type === 'integer') return 1
  return type === 'boolean' ? false : 'x'
}

/** Of what waits for an answer that does not come. */
const sampleOf = (path: string, schema: Schema): unknown => ({
  ...(sample(schema) as object),
  ...(path === '/v1/messages/request' ? { timeout: '10ms' } : {}),
})

const missing = await missingServer()
const schema = schemaName('hostile')
const own = { team: { agents: [echo], flows: ['Echo -> End'] } }
const keys = [{ id: 'k', key: Buffer.alloc(32, 1).toString('base64') }]
/** Of these nothing can be tried here: they end the server, or are not JSON. */
const left = /drain|shutdown|\/mcp$|^\/docs/

afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

describe.each([
  { name: 'in memory', config: { storage: 'memory:' } as Partial<TroupeConfig>, skip: false },
  {
    name: 'on PostgreSQL, encrypted',
    config: { storage: { url: server, schema }, encryption: { keys } } as Partial<TroupeConfig>,
    skip: missing !== undefined,
  },
])('hostile values, $name', ({ config, skip }) => {
  const servers = new Servers()
  let served: Served
  let described: Described[]
  beforeAll(async () => {
    if (skip) return
    served = await servers.start({ ...config, teams: own }, { rateLimit: false, heartbeat: '1s' })
    const { body } = await served.call('GET', '/v1/openapi.json')
    described = Object.entries<Record<string, Record<string, never>>>(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters as never as Parameter[] | undefined) ?? [],
        body: (operation as { requestBody?: { content?: { 'application/json'?: { schema?: Schema } } } }).requestBody
          ?.content?.['application/json']?.schema,
      })),
    )
    for (const name of Object.keys(openRoutes)) {
      const [method, path] = name.split(' ') as [string, string]
      const parameters = ['link', 'state', 'code'].map((query) => ({ name: query, in: 'query' }))
      if (!described.some((one) => one.method === method && one.path === path))
        described.push({ method, path, parameters, body: undefined })
    }
    await served.call('POST', '/v1/runs', { id: 'x', team: 'team', task: 1 })
    await served.call('POST', '/v1/schedules', { id: 'x', team: 'team', task: 1, every: '1d' })
    await served.call('PUT', '/v1/context/entries/x', { value: 1 })
  })
  afterAll(() => servers.close())

  /** The status alone: a stream has no end. */
  const ask = async (method: string, path: string, body?: string) => {
    const response = await fetch(served.url + path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(15_000),
    })
    const text = response.status >= 500 ? await response.text() : ''
    await response.body?.cancel().catch(() => {})
    return { status: response.status, text }
  }

  it.skipIf(skip)(
    'No route fails internally with hostile values.',
    async () => {
      const tried: (() => Promise<string | undefined>)[] = []
      const attempt = (what: string, method: string, path: string, body?: string) =>
        tried.push(async () => {
          const { status, text } = await ask(method, path, body).catch((error: unknown) => ({
            status: 999,
            text: String(error),
          }))
          return status === 500 || status === 999 ? `${method} ${what} -> ${status} ${text.slice(0, 200)}` : undefined
        })
      for (const { method, path, parameters, body } of described.filter((one) => !left.test(one.path))) {
        const filled = (values: Record<string, string> = {}) =>
          path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? 'x')
        const plain = body === undefined ? undefined : JSON.stringify(sampleOf(path, body))
        for (const value of hostile) {
          const parsed: unknown = JSON.parse(value)
          const bare = typeof parsed === 'string' ? parsed : value
          const encoded = encodeURIComponent(bare.toWellFormed()).slice(0, 3_000)
          for (const { name, in: location } of parameters) {
            if (location === 'path')
              attempt(`${path} ${name}=${value.slice(0, 30)}`, method, filled({ [name]: encoded || '%20' }), plain)
            if (location === 'query')
              attempt(`${path} ?${name}=${value.slice(0, 30)}`, method, `${filled()}?${name}=${encoded}`, plain)
          }
          if (body === undefined) continue
          attempt(`${path} body=${value.slice(0, 30)}`, method, filled(), value)
          for (const field of Object.keys(body.properties ?? {})) {
            const { [field]: _, ...rest } = sampleOf(path, body) as Record<string, unknown>
            const others = JSON.stringify(rest).slice(1, -1)
            const text = `{${others}${others === '' ? '' : ','}${JSON.stringify(field)}:${value}}`
            attempt(`${path} ${field}=${value.slice(0, 30)}`, method, filled(), text)
          }
        }
      }
      expect(tried.length).toBeGreaterThan(3_000)
      const failed: string[] = []
      const work = async () => {
        for (let next = tried.pop(); next; next = tried.pop()) {
          const problem = await next()
          if (problem !== undefined) failed.push(problem)
        }
      }
      await Promise.all(Array.from({ length: 16 }, work))
      expect(failed.sort()).toEqual([])
      expect((await served.call('GET', '/health')).status).toBe(200)
    },
    300_000,
  )
})
