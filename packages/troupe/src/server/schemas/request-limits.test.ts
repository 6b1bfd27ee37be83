import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { routes } from '../routes.ts'
import { caller, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())
type Part = Readonly<Record<string, unknown>>
const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null
type IsUnbounded = (schema: Part) => boolean
const isUnboundedList: IsUnbounded = ({ type, maxItems }) => type === 'array' && maxItems === undefined
const isUnboundedText: IsUnbounded = (schema) =>
  schema.type === 'string' && schema.maxLength === undefined && !('enum' in schema) && !('const' in schema)

/** Returns the paths of the parts of a schema without a maximal length. */
function unbounded(schema: Part, path: string, isUnbounded: IsUnbounded): readonly string[] {
  return [
    ...(isUnbounded(schema) ? [path] : []),
    ...Object.entries(schema).flatMap(([name, part]) =>
      isPart(part) ? unbounded(part, `${path}/${name}`, isUnbounded) : [],
    ),
  ]
}
const jsonSchemaOf = (schema: z.ZodType): Part => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
const found = (schema: z.ZodType, path: string, isUnbounded: IsUnbounded) =>
  unbounded(jsonSchemaOf(schema), path, isUnbounded)
const inRoutes = (isUnbounded: IsUnbounded) =>
  routes.flatMap(({ method, path, body, query, params }) =>
    Object.entries({ body, query, params }).flatMap(([name, schema]) =>
      schema ? found(schema, `${method} ${path} ${name}`, isUnbounded) : [],
    ),
  )

test('The requests of all routes have no list without a maximal length.', () => {
  expect(found(z.object({ names: z.array(z.string()) }), 'body', isUnboundedList)).toEqual(['body/properties/names'])
  expect(inRoutes(isUnboundedList)).toEqual([])
})

test('The requests of all routes have no text and no name of a field without a maximal length.', () => {
  const loose = z.object({ name: z.string(), by: z.record(z.string(), z.enum(['a', 'b'])), size: z.string().max(9) })
  expect(found(loose, 'body', isUnboundedText)).toEqual(['body/properties/name', 'body/properties/by/propertyNames'])
  expect(inRoutes(isUnboundedText)).toEqual([])
})

/** A text above this length, in the address, has more bytes than Node accepts as head of a request. */
const longestInAddress = 15_000
const withLimits = (schema: z.ZodType | undefined): readonly (readonly [name: string, maxLength: number])[] =>
  Object.entries((schema && (jsonSchemaOf(schema).properties as Record<string, Part> | undefined)) ?? {}).flatMap(
    ([name, { maxLength }]) => (typeof maxLength === 'number' ? [[name, maxLength] as const] : []),
  )

test('A request with a text above its maximal length is answered with 400 on each route.', async () => {
  const { url } = await servers.start({}, { rateLimit: false, bodyLimit: 2 ** 24 })
  const call = caller(url)
  let tried = 0
  const expectRejected = async (what: string, method: string, path: string, body?: unknown) => {
    const { status, body: problem } = await call(method, path, body)
    expect([what, status, problem?.code]).toEqual([what, 400, 'request.invalid'])
    tried++
  }
  for (const { method, path, params, query, body } of routes) {
    const route = `${method} ${path}`
    const to = (name?: string, value = 'x') =>
      path.replaceAll(/:(\w+)/g, (_, one: string) => (one === name ? value : 'x'))
    for (const [name, max] of withLimits(params))
      await expectRejected(`${route} ${name}`, method, to(name, 'x'.repeat(max + 1)), body && {})
    for (const [name, max] of withLimits(query))
      if (max < longestInAddress)
        await expectRejected(`${route} ${name}`, method, `${to()}?${name}=${'1'.repeat(max + 1)}`, body && {})
    for (const [name, max] of withLimits(body))
      if (max < longestInAddress)
        await expectRejected(`${route} ${name}`, method, to(), { [name]: 'x'.repeat(max + 1) })
  }
  expect(tried).toBeGreaterThan(100)
})
