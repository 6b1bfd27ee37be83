/** Tool calls of one turn that write to one key: each finds what those before it wrote, and none fails the run. */
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInTools, defineTool, LlmAgent, patterns, type Troupe } from '../index.ts'
import { MockModel } from '../testing/index.ts'
import { createTroupe } from './index.ts'

const open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

type Calls = readonly { readonly name: string; readonly args: Record<string, unknown> }[]

async function run(calls: Calls, options: { readonly before?: (troupe: Troupe) => Promise<unknown> } = {}) {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  await options.before?.(troupe)
  const item = z.object({ item: z.string() })
  const tool = (name: string, commits: boolean) =>
    defineTool({
      name,
      description: 'Adds an item to the cart.',
      inputSchema: item,
      body: true,
      execute: async ({ item }, { ctx }) => {
        const { value } = await ctx.context.update('cart', (cart) => [...((cart as string[] | undefined) ?? []), item])
        if (commits) await ctx.commit()
        return { count: (value as string[]).length }
      },
    })
  const model = new MockModel({ responses: [{ toolCalls: [...calls] }, 'done'] })
  const agent = new LlmAgent({
    name: 'A',
    instructions: 'Shop.',
    model,
    tools: { ...builtInTools(), add: tool('add', false), add_at_once: tool('add_at_once', true) },
  })
  const ada = troupe.user('ada')
  const result = await ada.orchestra.run({ task: 'x', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
  return { troupe, ada, result, model, told: JSON.stringify(model.calls.at(-1)) }
}

const adding = (name: string) => ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((item) => ({ name, args: { item } }))

describe('tool calls of one turn', () => {
  it.each(['add', 'add_at_once'])('that update one key count on from each other: %s', async (name) => {
    const { ada, result, model, told } = await run(adding(name))
    expect(result).toMatchObject({ status: 'completed' })
    expect(await ada.context.get('cart')).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    // The model is asked once for what it is to go on with, with results that hold.
    expect(model.calls).toHaveLength(2)
    const counts = [...told.matchAll(/"count":(\d)/g)].map(([, count]) => Number(count))
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('that both want to be the first: the second is told, and nothing fails', async () => {
    const push = (value: string) => ({ name: 'push_context', args: { key: 'n', value, if_version: 0 } })
    const { ada, result, told } = await run([push('a'), push('b')])
    expect(result).toMatchObject({ status: 'completed' })
    expect(await ada.context.get('n')).toBe('a')
    expect(told).toContain('context.conflict')
  })

  it('that delete one entry: the second finds none', async () => {
    const remove = { name: 'delete_context', args: { key: 'x' } }
    const before = (troupe: Troupe) => troupe.user('ada').agent('A').context.push('x', 1)
    const { ada, result, told } = await run([remove, remove], { before })
    expect(result).toMatchObject({ status: 'completed' })
    expect(await ada.context.get('x')).toBeUndefined()
    expect(told).toContain('context.missing')
  })
})
