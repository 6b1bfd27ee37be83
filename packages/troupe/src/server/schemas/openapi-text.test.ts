/** The description of the server, read by those who did not write it. */
import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Servers } from '../server-testbed.test.fixture.ts'

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}
interface Document {
  readonly openapi: string
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const servers = new Servers()
let document: Document
beforeAll(async () => {
  const { call } = await servers.start()
  document = (await call('GET', '/v1/openapi.json')).body
})
afterAll(() => servers.close())

it('The server sends the OpenAPI document that the package ships.', () => {
  const path = new URL('../../../openapi.json', import.meta.url)
  expect(document).toEqual(JSON.parse(readFileSync(path, 'utf8')))
})

it('The OpenAPI document conforms to OpenAPI 3.1, and every reference in it resolves.', async () => {
  const validator = new Validator()
  expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  expect(() => validator.resolveRefs()).not.toThrow()
})

it('The OpenAPI document contains only schemas that compile.', () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, formats: { 'date-time': true, uri: true } })
  ajv.addKeyword('components')
  const { components } = document
  const schemas = schemasIn(document)
  expect(schemas.length).toBeGreaterThan(150)
  for (const schema of schemas)
    expect(() => ajv.compile({ ...schema, components }), JSON.stringify(schema)).not.toThrow()
})

it('The document names each operation by what it is about and what it does.', () => {
  const ids = Object.values(document.paths).flatMap((at) => Object.values(at).map(({ operationId }) => operationId))
  expect(ids).toEqual(expect.arrayContaining(['runs.list', 'context.push', 'mailboxes.deadLetters']))
  expect(ids.filter((id) => !/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/.test(id))).toEqual([])
})

it('The document closes every answer, so that a field that a client reads is one that it names.', () => {
  const open: string[] = []
  const walk = (value: unknown, at: string) => {
    if (typeof value !== 'object' || value === null) return
    const { type, properties, additionalProperties } = value as Readonly<Record<string, unknown>>
    if (type === 'object' && properties !== undefined && additionalProperties !== false) open.push(at)
    for (const [name, inner] of Object.entries(value)) walk(inner, `${at}/${name}`)
  }
  for (const [path, at] of Object.entries(document.paths))
    for (const { operationId, responses } of Object.values(at)) walk(responses, `${path} ${operationId}`)
  walk(document.components.schemas, 'components')
  expect(open).toEqual([])
})

it('The document has one component for each shape that several answers share, and refers to every one.', () => {
  const { schemas } = document.components
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Entry', 'Message', 'Problem', 'RunSummary']))
  const text = JSON.stringify(document)
  expect(Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`))).toEqual([])
  // Findings of a team and findings of the audit log are two shapes; each stands once.
  expect(text.split('"findings"').length).toBeLessThan(7)
})

it('The document has the shape of the data of each stream.', () => {
  const dataOf = (path: string, method = 'get') =>
    document.paths[path]?.[method]?.responses['200']?.content?.['text/event-stream']?.schema
  expect(dataOf('/v1/runs/{run}/events')).toEqual({ $ref: '#/components/schemas/RunEvent' })
  expect(dataOf('/v1/runs/{run}/live')).toEqual({ $ref: '#/components/schemas/LivePart' })
  expect(dataOf('/v1/context/watch')).toEqual({ $ref: '#/components/schemas/WatchItem' })
  expect(dataOf('/v1/evaluations', 'post')).toMatchObject({ anyOf: expect.any(Array) })
})

it('The OpenAPI document names each operation once, and each parameter of a path.', () => {
  const operations = Object.entries(document.paths).flatMap(([path, at]) =>
    Object.values(at).map((operation) => ({ path, operation })),
  )
  const ids = operations.map(({ operation }) => operation.operationId)
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
  for (const { path, operation } of operations) {
    const named = operation.parameters?.filter((one) => one.in === 'path').map(({ name }) => name) ?? []
    expect({ path, named: named.toSorted() }).toEqual({
      path,
      named: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string).toSorted(),
    })
  }
})

it('The OpenAPI document names open routes, and the content type of each answer.', () => {
  const answersOf = (path: string) =>
    document.paths[path]?.get as unknown as {
      readonly security: readonly unknown[]
      readonly responses: Readonly<Record<string, { readonly content?: object }>>
    }
  for (const path of ['/health', '/ready']) {
    expect(answersOf(path).security).toEqual([])
    expect(Object.keys(answersOf(path).responses)).toEqual(['200', '503'])
  }
  const typesOf = (path: string) => Object.keys(answersOf(path).responses['200']?.content ?? {})
  expect(typesOf('/metrics')).toEqual(['text/plain'])
  expect(typesOf('/v1/audit/export')).toEqual(['application/x-ndjson'])
  expect(typesOf('/v1/runs/{run}/events')).toEqual(['text/event-stream'])
  expect(Object.keys(answersOf('/v1/context/entries/{key}').responses)).toContain('304')
})

/** What stands under `schema`, wherever that is. */
function schemasIn(value: unknown): readonly object[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => (name === 'schema' ? [inner as object] : schemasIn(inner)))
}
