import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { defineTool, isTool } from './define-tool.ts'

const options = { name: 'look', description: 'Looks.', inputSchema: z.object({ q: z.string() }), execute: () => 1 }

describe('defineTool', () => {
  it('defineTool returns a frozen tool with the JSON Schema of its input, and at-most-once is its default effect.', () => {
    const tool = defineTool(options)
    expect(isTool(tool)).toBe(true)
    expect(Object.isFrozen(tool)).toBe(true)
    expect(tool).toMatchObject({
      effect: 'at-most-once',
      needsApproval: false,
      parameters: { type: 'object', required: ['q'] },
    })
    expect(defineTool({ ...options, untrusted: true, sensitive: 'payroll', timeout: '2s' })).toMatchObject({
      untrusted: 'look',
      sensitive: 'payroll',
      timeoutMs: 2_000,
    })
  })

  it('defineTool rejects unknown options and invalid values.', () => {
    for (const [more, pattern] of [
      [{ efect: 'read' }, /efect/],
      [{ name: 'has space' }, /letters/],
      [{ name: '3d_model' }, /begin with a letter or _/],
      [{ description: '' }, /description/],
      [{ effect: 'twice' }, /twice/],
      [{ inputSchema: { '~standard': { validate: () => ({ value: 1 }) } } }, /JSON Schema/],
      [{ durable: true, effect: 'read' }, /durable/],
      [{ timeout: 5 }, /duration/],
      [{ inputSchema: z.array(z.string()) }, /of type array/],
      [{ inputSchema: z.string() }, /of type string/],
      [{ untrusted: '' }, /untrusted .*1 to 100/],
      [{ untrusted: 'web\nadmin' }, /untrusted/],
      [{ sensitive: 'x'.repeat(101) }, /sensitive/],
      [{ effect: 'read', reconcile: async () => 'not' }, /reconcile is never asked/],
    ] as const)
      expect(() => defineTool({ ...options, ...more } as never), JSON.stringify(more)).toThrow(pattern)
  })

  it('defineTool has the options that its page lists, and rejects values of another form.', () => {
    const page = readFileSync(new URL('../../../../docs/tools.md', import.meta.url), 'utf8')
    const [section = ''] = (page.split('## Tools of your own')[1] ?? '').split('\n## ')
    const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, option = '']) => option)
    expect(listed).toHaveLength(17)
    for (const option of listed)
      expect(() => defineTool({ ...options, [option]: Symbol('wrong') } as never), option).toThrow(
        expect.objectContaining({ code: expect.not.stringMatching('option.unknown') }),
      )
    expect(() => defineTool({ ...options, parallel: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'option.unknown' }),
    )
  })
})

describe('the JSON Schema of a tool', () => {
  const parametersOf = (inputSchema: z.ZodType) => defineTool({ ...options, inputSchema }).parameters

  it('The JSON Schema of a tool is one object, even if its input is a union or a reference.', () => {
    const [a, b] = [
      z.object({ k: z.literal('a'), at: z.string(), n: z.number() }),
      z.object({ k: z.literal('b'), n: z.string() }),
    ]
    const form = {
      type: 'object',
      properties: {
        k: { type: 'string', enum: ['a', 'b'] },
        at: { type: 'string' },
        n: { anyOf: [{ type: 'number' }, { type: 'string' }] },
      },
      required: ['k', 'n'],
    }
    for (const schema of [
      z.discriminatedUnion('k', [a, b]),
      z.union([a.meta({ id: 'A' }), z.union([b, z.string()])]),
      z.union([a, b]).nullable(),
      z.union([a, b]).optional(),
    ]) {
      const { $schema: _, $defs: _defs, ...parameters } = parametersOf(schema)
      expect(parameters).toEqual(form)
    }
    expect(parametersOf(z.union([z.strictObject({ a: z.string() }), z.strictObject({})]))).toMatchObject({
      properties: { a: { type: 'string' } },
      required: [],
      additionalProperties: false,
    })
    expect(parametersOf(z.looseObject({ q: z.string() }).and(z.record(z.string(), z.string())))).toMatchObject({
      type: 'object',
      properties: { q: { type: 'string' } },
      required: ['q'],
    })
    expect(parametersOf(z.object({ q: z.string() }).meta({ id: 'Search' }))).toMatchObject({
      type: 'object',
      properties: { q: { type: 'string' } },
    })
    expect(parametersOf(z.any())).toMatchObject({ type: 'object' })
    expect(parametersOf(z.record(z.string(), z.number()))).toMatchObject({ additionalProperties: { type: 'number' } })
  })

  it('The JSON Schema of a tool is derived from zod 4 in each of its variants.', () => {
    const inputSchema = mini.object({ q: mini.string(), n: mini.optional(mini.number()) })
    expect(defineTool({ ...options, inputSchema }).parameters).toMatchObject({
      type: 'object',
      properties: { q: { type: 'string' }, n: { type: 'number' } },
      required: ['q'],
    })
    expect(() => defineTool({ ...options, inputSchema: mini.object({ at: mini.date() }) })).toThrow(/no JSON Schema/)
  })

  it('The JSON Schema of a tool is rejected if it has no object form, or a reference that does not resolve.', () => {
    const schemaOf = (schema: object) =>
      ({
        '~standard': {
          version: 1,
          vendor: 'x',
          validate: (value: unknown) => ({ value }),
          jsonSchema: { input: () => schema },
        },
      }) as never
    const both = (ref: string) => ({ allOf: [{ $ref: ref }, { $ref: ref }] })
    const doubling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i}`, both(`#/$defs/d${i + 1}`)]))
    for (const schema of [
      { type: 'object', ...both('#') },
      { type: 'object', ...both('#/$defs/d0'), $defs: { ...doubling, d20: { type: 'object' } } },
      { type: 'object', $ref: '#/%' },
      { type: 'object', $ref: 5 },
      { anyOf: [{ type: 'string' }, { type: 'number' }] },
      { enum: ['a'] },
      { $ref: '#' },
      { $ref: '#/$defs/none' },
      { $ref: 'https://example.com/schema' },
      { allOf: [{ type: 'object' }, { type: 'string' }] },
    ])
      expect(() => defineTool({ ...options, inputSchema: schemaOf(schema) }), JSON.stringify(schema)).toThrow(
        /in an object/,
      )
    for (const schema of [
      { type: ['object', 'null'], properties: {} },
      { type: 'object', allOf: 5, anyOf: 'x', required: 7, properties: [] },
    ])
      expect(defineTool({ ...options, inputSchema: schemaOf(schema) }).parameters.type).toBe('object')
  })
})
