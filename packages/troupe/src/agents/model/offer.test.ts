import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../tools/index.ts'
import type { Flow, StepEntry } from '../agent-port.ts'
import { defineAgent } from '../definitions/define-agent.ts'
import { createDefinition, type LlmAgentOptions, type LlmDefinition } from '../definitions/llm-definition.ts'
import { Report } from '../definitions/report.ts'
import { createOffer } from './offer.ts'

const flow: Flow = { invoke: [], handOff: [], finish: false, askUser: false, value: 'back' }
const tool = (name: string, capabilities: readonly string[] = []) =>
  defineTool({ name, description: `The tool ${name}.`, inputSchema: z.object({}), capabilities, execute: () => 1 })
const tools = [tool('search', ['research', 'web']), tool('pay', ['money']), tool('note')]
const offers = new WeakMap()
async function offered(
  options: Partial<LlmAgentOptions> | LlmDefinition,
  input = 'do some research',
  more: Partial<StepEntry> = {},
) {
  const recorder = { answer: async (_: unknown, ask: () => unknown) => ask(), principal: { userId: 'u' } }
  const entry = {
    input,
    recorder,
    ctx: { context: {} },
    flow,
    services: { external: { models: {} }, limits: { timeouts: {} }, offers },
    ...more,
  } as unknown as StepEntry
  const definition = 'chain' in options ? options : createDefinition({ name: 'A', tools, ...options })
  return createOffer(definition, entry, new Report())
}
const names = async (...args: Parameters<typeof offered>) => (await offered(...args)).declared.map(({ name }) => name)

describe('the offer of a step to its model', () => {
  it.each(['back', 'end', 'along'] as const)(
    'The offer of a step contains the schema of an answer once, if a value goes %s.',
    async (value) => {
      const output = z.object({ unlikely_name: z.number() })
      const { declared, responseFormat } = await offered({ output }, '', { flow: { ...flow, finish: true, value } })
      expect(JSON.stringify([declared, responseFormat]).match(/"unlikely_name":/g)).toHaveLength(1)
      expect(declared.some(({ name }) => name === 'finish')).toBe(value === 'along')
    },
  )

  it('The offer of a step contains every tool that is not denied.', async () => {
    expect(await names({})).toEqual(['search', 'pay', 'note'])
    expect(await names({ deny: ['pay'] })).toEqual(['search', 'note'])
  })

  it('The offer of a step is selected by capabilities or by a function, and is complete if nothing fits.', async () => {
    expect(await names({ toolSelection: 'capabilities' })).toEqual(['search', 'note'])
    expect(await names({ toolSelection: 'capabilities', tools: [tool('pay', ['money'])] })).toEqual(['pay'])
    const other = [tool('pruefen', ['Rechnungsprüfung']), tool('find', ['data_base']), tool('pay', ['money'])]
    const byCapabilities = { toolSelection: 'capabilities', tools: other } as const
    expect(await names(byCapabilities, 'Bitte die Rechnungsprüfung.')).toEqual(['pruefen'])
    expect(await names(byCapabilities, 'e, gr or data?')).toEqual(['find'])
    expect(
      await names({ toolSelection: ({ task }) => (task.includes('money') ? ['pay'] : []) }, 'count money'),
    ).toEqual(['pay'])
    const chosen = ({ tools: all }: { tools: readonly { name: string }[] }) => all.slice(0, 1) as never
    expect(await names({ toolSelection: chosen })).toEqual(['search'])
    await expect(names({ toolSelection: () => ['serch'] })).rejects.toThrow(/serch/)
    await expect(names({ toolSelection: () => 'search' as never })).rejects.toThrow(/toolSelection.*not a list/)
    expect(() => createDefinition({ name: 'A', toolSelection: 'best' as never })).toThrow(/best/)
  })

  it('The offer of a step contains the tools most similar to the task if there are very many.', async () => {
    const converters = Array.from({ length: 200 }, (_, i) => tool(`convert_unit_${i}`))
    const found = await names(
      { tools: [...converters, tool('weather_forecast', ['rain'])], toolSelection: 'similarity' },
      'Will it rain tomorrow?',
    )
    expect(found).toHaveLength(20)
    expect(found).toContain('weather_forecast')
    expect(await names({ toolSelection: 'similarity' })).toEqual(['search', 'pay', 'note'])
  })

  it('The offer of a step describes a helper by its fields, or by a text request if it has none.', async () => {
    const adder = defineAgent({ name: 'Adder', inputSchema: z.object({ a: z.number() }), run: ({ a }) => a })
    const either = z.union([z.object({ b: z.string() }), z.object({ c: z.string() })])
    const chooser = defineAgent({ name: 'Chooser', inputSchema: either, run: () => 1 })
    const other = defineAgent({ name: 'Other', inputSchema: z.any(), run: () => 1 })
    const { declared } = await offered({ tools: [], agents: { add: adder, choose: chooser, ask: other } })
    expect(declared.map(({ inputSchema }) => inputSchema.type)).toEqual(['object', 'object', 'object'])
    expect(declared.map(({ inputSchema }) => Object.keys(inputSchema.properties ?? {}))).toEqual([
      ['a'],
      ['b', 'c'],
      ['request'],
    ])
  })

  it('The offer of a step contains pinned texts, and instructions computed from the input.', async () => {
    const { system } = await offered(
      { instructions: ({ input }) => `About ${input}.`, memory: { pinned: ['Ada pays in euros.'] } },
      'lanes',
    )
    expect(system).toBe('About lanes.\n\nRemember:\n- Ada pays in euros.')
  })

  it.each([5, undefined, {}])('Instructions that return %j and not a text fail the step.', async (text) => {
    await expect(offered({ instructions: () => text as unknown as string })).rejects.toMatchObject({
      code: 'agent.wrong',
    })
  })

  it('The offer of a step has another hash whenever its content or its settings differ.', async () => {
    const hashes = await Promise.all(
      [
        {},
        { instructions: 'x' },
        { deny: ['pay'] },
        { settings: { temperature: 1 } },
        { output: z.object({ n: z.number() }) },
      ].map(async (options) => (await offered(options)).hash),
    )
    expect(new Set(hashes).size).toBe(5)
    expect((await offered({})).hash).toBe(hashes[0])
  })

  it('The offers of one agent have other hashes and sizes whenever their texts differ.', async () => {
    const definition = createDefinition({ name: 'A', tools, instructions: ({ input }) => `About ${input}.` })
    const offers: Awaited<ReturnType<typeof offered>>[] = []
    for (const input of ['lanes', 'harbours', 'lanes', 'lanes']) offers.push(await offered(definition, input))
    const [first, second] = offers.map(({ hash }) => hash)
    expect(first).not.toBe(second)
    expect(offers.map(({ hash }) => hash)).toEqual([first, second, first, first])
    const [short = 0, long] = offers.map(({ tokens }) => tokens)
    expect(long).toBeGreaterThan(short)
    expect(offers.map(({ tokens }) => tokens)).toEqual([short, long, short, short])
  })
})
