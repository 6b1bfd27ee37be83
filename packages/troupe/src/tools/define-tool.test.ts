import { readFileSync } from 'node:fs'
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
      [{ inputSchema: z.array(z.string()) }, /of type array/],
      [{ inputSchema: z.string() }, /of type string/],
      [{ untrusted: '' }, /untrusted .*1 to 100/],
      [{ untrusted: 'web\nadmin' }, /untrusted/],
      [{ sensitive: 'x'.repeat(101) }, /sensitive/],
      [{ effect: 'read', reconcile: async () => 'not' }, /reconcile is never asked/],
    ] as const)
      expect(() => defineTool({ ...options, ...more } as never), JSON.stringify(more)).toThrow(said)
  })

  it('has the options that its page lists, and refuses what has not their form', () => {
    const page = readFileSync(new URL('../../../../docs/tools.md', import.meta.url), 'utf8')
    const [section = ''] = (page.split('## Tools of your own')[1] ?? '').split('\n## ')
    const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, option = '']) => option)
    expect(listed).toHaveLength(14)
    for (const option of listed)
      expect(() => defineTool({ ...options, [option]: Symbol('wrong') } as never), option).toThrow(
        expect.objectContaining({ code: expect.not.stringMatching('option.unknown') }),
      )
    expect(() => defineTool({ ...options, parallel: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'option.unknown' }),
    )
  })
})
