import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkSchema, jsonSchemaOf, modelSchemaOf, parse } from './schema.ts'

test('The error of a value that a schema rejects says which values are missing, and what is wrong with others.', async () => {
  const schema = z.object({ task: z.unknown(), team: z.string(), size: z.number(), kind: z.enum(['tea', 'pot']) })
  await expect(parse(schema, { size: 'x', kind: 'cup' }, 'The order')).rejects.toThrow(
    'The order is not valid: task: it is missing; team: it is missing; size: Invalid input: expected number, received string; ' +
      'kind: it must be one of tea, pot.',
  )
})

test('The error of a schema that JSON Schema cannot express names a way to write a date.', () => {
  for (const date of [z.date(), z.coerce.date()])
    expect(() => jsonSchemaOf(z.object({ due: date }), 'The inputSchema of add')).toThrow(
      'The inputSchema of add is not valid: no JSON Schema can be made of it: Date cannot be represented in JSON Schema; ' +
        'accept a JSON value and convert it, for a date with z.iso.datetime().transform((text) => new Date(text))',
    )
  const due = z.iso.datetime().transform((text) => new Date(text))
  expect(jsonSchemaOf(z.object({ due }))).toMatchObject({ properties: { due: { type: 'string' } } })
})

test('The error of a JSON Schema names a function of zod, whose result checks values and has a JSON Schema.', async () => {
  const json = { type: 'object' as const, properties: { a: { type: 'number' as const } }, required: ['a'] }
  expect(() => checkSchema('The inputSchema', json)).toThrow('z.fromJSONSchema(schema)')
  const schema = z.fromJSONSchema(json)
  expect(modelSchemaOf(schema, 'The inputSchema')).toMatchObject(json)
  await expect(parse(schema, { a: 'x' }, 'The input')).rejects.toThrow('a: Invalid input: expected number')
})
