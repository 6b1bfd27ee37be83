/**
 * No text that a caller sends makes the server fail: each value in each parameter and field of each route of the
 * OpenAPI.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** How deep fields of fields are changed. */
const maxDepth = 5
type Path = readonly (string | number)[]
interface Field {
  readonly path: Path
  /** A value in which the field can be changed. */
  readonly around: unknown
}
/** Values that the document leaves open, as callers send them. */
const openValues: Readonly<Record<string, unknown>> = {
  topology: { agents: ['Echo'], flows: ['Start -> Echo', 'Echo -> End'], config: { budget: { steps: 5 } } },
  config: {
    budget: { steps: 5, tokens: 5, cost: 1, time: '1s' },
    timeouts: { step: '1s' },
    onError: { '*': 'fail' },
    retry: { attempts: 1, backoff: '1ms' },
    debug: { breakOn: [{ agent: 'Echo' }] },
    policy: [{ tool: 'x', when: 'args.a is untrusted', do: 'ask' }],
  },
}
/** The paths in a value, nested ones included. */
function* pathsIn(value: unknown, at: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    const path = [...at, Array.isArray(value) ? Number(name) : name]
    yield path
    yield* pathsIn(inner, path)
  }
}

/** The fields of a schema, nested ones and elements of lists included, each with a value around which it can be put. */
function* fieldsOf(schema: Schema, value: unknown, at: Path = []): Generator<Field> {
  if (at.length > maxDepth) return
  for (const option of schema.anyOf ?? schema.oneOf ?? [])
    if (option.properties || option.items || option.anyOf || option.oneOf) yield* fieldsOf(option, sample(option), at)
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const own = sample(field)
    const around = { ...(typeof value === 'object' ? value : {}), [name]: own }
    yield { path: [...at, name], around }
    const known = openValues[name]
    if (known !== undefined)
      for (const inner of pathsIn(known)) yield { path: [...at, name, ...inner], around: { ...around, [name]: known } }
    for (const deeper of fieldsOf(field, own, [...at, name]))
      yield { path: deeper.path, around: { ...around, [name]: deeper.around } }
  }
  if (schema.items && !Array.isArray(schema.items))
    for (const deeper of fieldsOf(schema.items, sample(schema.items), [...at, 0]))
      yield { path: deeper.path, around: [deeper.around] }
}

const mark = 'MARK-5b1d'
/** The JSON text of a value, with a hostile text at a place in it. */
function withHostile(around: unknown, path: Path, text: string): string {
  const copy = structuredClone({ root: around }) as Record<string, unknown>
  let parent = copy as Record<string | number, unknown>
  const all: Path = ['root', ...path]
  for (const part of all.slice(0, -1)) parent = parent[part] as typeof parent
  parent[all.at(-1) ?? ''] = mark
  return JSON.stringify(copy.root).replace(`"${mark}"`, () => text)
}

/** Headers that routes read, besides those of authentication. */
const headerNames = [
  'idempotency-key',
  'troupe-user',
  'troupe-agent',
  'last-event-id',
  'if-match',
  'if-none-match',
  'cookie',
  'accept',
  'x-request-id',
  'traceparent',
  'x-forwarded-for',
  'x-forwarded-proto',
  'mcp-session-id',
  'mcp-protocol-version',
]
/** The characters that a header may hold: others are not sent at all. */
const hostileHeaders = [
  '',
  ' ',
  '*',
  '"',
  "';--",
  '%00%ff',
  '../..',
  '__proto__',
  '1e999',
  '-1',
  '9007199254740993:-1',
  '{"a":1}',
  'a=b; troupe_session=; c',
  'troupe_session=ts_%00; troupe_login=x.y',
  '\u00ff\u0080',
  'x'.repeat(4_000),
]

/**
 * Whether a value is tried with a field: a quarter of the values on each storage, and all where TROUPE_HOSTILE is `all`.
 * @param turn which of the storages it is, 0 or 1
 */
const isTried = (value: number, field: number, turn: number) =>
  process.env.TROUPE_HOSTILE === 'all' || (value + field) % 4 === 2 * turn

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
const folder = mkdtempSync(join(tmpdir(), 'troupe-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))

afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

// The engine of a file is that of the storage in memory.
describe.each([
  {
    name: 'in a file',
    config: { storage: `sqlite:${join(folder, 't.db')}` } as Partial<TroupeConfig>,
    skip: false,
    turn: 0,
  },
  {
    name: 'on PostgreSQL, encrypted',
    config: { storage: { url: server, schema }, encryption: { keys } } as Partial<TroupeConfig>,
    skip: missing !== undefined,
    turn: 1,
  },
])('hostile values, $name', ({ config, skip, turn }) => {
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
  const ask = async (method: string, path: string, body?: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(served.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(15_000),
    })
    const text = response.status >= 500 ? await response.text() : ''
    await response.body?.cancel().catch(() => {})
    return { status: response.status, text }
  }

  /** Requests that are tried together. */
  class Attempts {
    readonly #tried: (() => Promise<string | undefined>)[] = []

    add(what: string, ...[method, path, body, headers]: Parameters<typeof ask>): void {
      this.#tried.push(async () => {
        const { status, text } = await ask(method, path, body, headers).catch((error: unknown) => ({
          status: 999,
          text: String(error),
        }))
        return status === 500 || status === 999 ? `${method} ${what} -> ${status} ${text.slice(0, 200)}` : undefined
      })
    }

    /** @returns how many there were, and which of them failed internally */
    async run(): Promise<{ readonly count: number; readonly failed: readonly string[] }> {
      const count = this.#tried.length
      const failed: string[] = []
      const work = async () => {
        for (let next = this.#tried.pop(); next; next = this.#tried.pop()) {
          const problem = await next()
          if (problem !== undefined) failed.push(problem)
        }
      }
      await Promise.all(Array.from({ length: 16 }, work))
      expect((await served.call('GET', '/health')).status).toBe(200)
      return { count, failed: failed.sort() }
    }
  }
  const tried = () => described.filter((one) => !left.test(one.path))
  const filled = (path: string, values: Readonly<Record<string, string>> = {}) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? 'x')
  const plainBody = ({ path, body }: Described) =>
    body === undefined ? undefined : JSON.stringify(sampleOf(path, body))

  it.skipIf(skip)('No route fails internally with hostile values in paths and queries.', async () => {
    const attempts = new Attempts()
    for (const route of tried())
      for (const [v, value] of hostile.entries()) {
        const { method, path, parameters } = route
        const parsed: unknown = JSON.parse(value)
        const bare = typeof parsed === 'string' ? parsed : value
        const encoded = encodeURIComponent(bare.toWellFormed()).slice(0, 3_000)
        const plain = plainBody(route)
        for (const [f, { name, in: location }] of parameters.entries()) {
          if (!isTried(v, f, turn)) continue
          const what = `${path} ${name}=${value.slice(0, 30)}`
          if (location === 'path') attempts.add(what, method, filled(path, { [name]: encoded || '%20' }), plain)
          if (location === 'query') attempts.add(what, method, `${filled(path)}?${name}=${encoded}`, plain)
        }
      }
    const { count, failed } = await attempts.run()
    expect(count).toBeGreaterThan(370)
    expect(failed).toEqual([])
  })

  it.skipIf(skip)(
    'No route fails internally with hostile values in the fields of a body, nested ones included.',
    async () => {
      const attempts = new Attempts()
      const names = new Set<string>()
      for (const { method, path, body } of tried()) {
        if (body === undefined) continue
        const plain = sampleOf(path, body)
        const fields = new Map(
          [...fieldsOf(body, plain)].map((field) => [`${path} ${field.path.join('.')}`, field] as const),
        )
        for (const [v, value] of hostile.entries()) {
          attempts.add(`${path} body=${value.slice(0, 30)}`, method, filled(path), value)
          for (const [f, [what, { path: at, around }]] of [...fields].entries())
            if (isTried(v, f, turn))
              attempts.add(`${what}=${value.slice(0, 30)}`, method, filled(path), withHostile(around, at, value))
        }
        for (const name of fields.keys()) names.add(name)
      }
      for (const name of [
        '/v1/context/batch operations.0.key',
        '/v1/evaluations score.judge.rubric',
        '/v1/runs topology.flows',
        '/v1/schedules onContext.topics',
      ])
        expect([...names]).toContain(name)
      const { count, failed } = await attempts.run()
      expect(count).toBeGreaterThan(1_000)
      expect(failed).toEqual([])
    },
  )

  it.skipIf(skip)('No route fails internally with hostile values in headers.', async () => {
    const attempts = new Attempts()
    // Each header in turn, so that each value meets each header on four routes or five, others on each storage.
    const turns = process.env.TROUPE_HOSTILE === 'all' ? 1 : 24
    for (const [r, route] of tried().entries())
      for (const [h, name] of headerNames.entries())
        for (const value of hostileHeaders.filter((_, i) => (i + r + h + turn) % turns === 0))
          attempts.add(
            `${route.path} ${name}: ${value.slice(0, 30)}`,
            route.method,
            filled(route.path),
            plainBody(route),
            {
              [name]: value,
            },
          )
    const { count, failed } = await attempts.run()
    expect(count).toBeGreaterThan(850)
    expect(failed).toEqual([])
  })

  it.skipIf(skip)('No tool of MCP fails internally with hostile values.', async () => {
    const headers = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
    const message = (method: string, params: string) =>
      `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`
    const listed = await served.call('POST', '/mcp', message('tools/list', '{}'), headers)
    const tools = JSON.parse(listed.text.replace(/^[^{]*/, '')).result.tools as readonly {
      readonly name: string
      readonly inputSchema: Schema
    }[]
    expect(tools.length).toBeGreaterThan(10)
    const attempts = new Attempts()
    for (const { name, inputSchema } of tools)
      for (const [v, value] of hostile.entries()) {
        const call = (args: string) => message('tools/call', `{"name":"${name}","arguments":${args}}`)
        attempts.add(`${name} arguments=${value.slice(0, 30)}`, 'POST', '/mcp', call(value), headers)
        for (const [f, { path, around }] of [...fieldsOf(inputSchema, sample(inputSchema))].entries())
          if (isTried(v, f, turn))
            attempts.add(
              `${name} ${path.join('.')}=${value.slice(0, 30)}`,
              'POST',
              '/mcp',
              call(withHostile(around, path, value)),
              headers,
            )
      }
    for (const value of hostile)
      for (const method of ['resources/read', 'tools/call', 'initialize', 'ping'])
        for (const field of ['uri', 'name', 'arguments', 'protocolVersion', '_meta'])
          attempts.add(`${method} ${field}`, 'POST', '/mcp', message(method, `{"${field}":${value}}`), headers)
    const { count, failed } = await attempts.run()
    expect(count).toBeGreaterThan(500)
    expect(failed).toEqual([])
  })
})
