import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, isTool } from './define-tool.ts'

const options = { name: 'look', description: 'Looks.', inputSchema: z.object({ q: z.string() }), execute: () => 1 }

describe('defineTool', () => {
  it('gives a frozen tool with the JSON Schema of its input; what it does counts as once unless it says otherwise', () => {
    const tool = defineTool(options)
    expect(isTool(tool)).toBe(true)
    expect(Object.isFrozen(tool)).toBe(true)
    expect(tool).toMatchObject({
      effect: 'once',
      needsApproval: false,
      parameters: { type: 'object', required: ['q'] },
    })
    expect(defineTool({ ...options, untrusted: true, sensitive: 'payroll', timeout: '2s' })).toMatchObject({
      untrusted: 'look',
      sensitive: 'payroll',
      timeoutMs: 2_000,
    })
  })

  it('refuses what it does not know or can not keep', () => {
    for (const [more, said] of [
      [{ efect: 'read' }, /efect/],
      [{ name: 'has space' }, /letters/],
      [{ description: '' }, /description/],
      [{ effect: 'twice' }, /twice/],
      [{ inputSchema: { '~standard': { validate: () => ({ value: 1 }) } } }, /JSON Schema/],
      [{ body: true, effect: 'read' }, /body/],
      [{ timeout: 5 }, /duration/],
    ] as const)
      expect(() => defineTool({ ...options, ...more } as never), JSON.stringify(more)).toThrow(said)
  })
})
