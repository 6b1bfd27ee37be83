import { expect, test } from 'vitest'
import { z } from 'zod'
import { routes } from '../routes.ts'

type Part = Readonly<Record<string, unknown>>
const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null

/** Returns the paths of the lists without a maximal length. */
function unboundedLists(schema: Part, path: string): readonly string[] {
  const own = schema.type === 'array' && schema.maxItems === undefined ? [path] : []
  return [
    ...own,
    ...Object.entries(schema).flatMap(([name, part]) => (isPart(part) ? unboundedLists(part, `${path}/${name}`) : [])),
  ]
}
const found = (schema: z.ZodType, path: string) =>
  unboundedLists(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), path)

test('The requests of all routes have no list without a maximal length.', () => {
  expect(found(z.object({ names: z.array(z.string()) }), 'body')).toEqual(['body/properties/names'])
  const lists = routes.flatMap(({ method, path, body, query, params }) =>
    Object.entries({ body, query, params }).flatMap(([name, schema]) =>
      schema ? found(schema, `${method} ${path} ${name}`) : [],
    ),
  )
  expect(lists).toEqual([])
})
