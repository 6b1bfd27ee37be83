/** Tool calls of one turn that write to one key: each finds what those before it wrote, and none fails the run. */
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent, patterns, type Troupe } from '../../index.ts'
import { createTroupe } from '../../startup/index.ts'
import { MockModel } from '../../testing/index.ts'
import { builtInTools } from '../../tools.ts'

const open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

type Calls = readonly { readonly name: string; readonly args: Record<string, unknown> }[]

const item = z.object({ item: z.string() })
const tool = (name: string, commits: boolean) =>
  defineTool({
    name,
    description: 'Adds an item to the cart.',
    inputSchema: item,
    durable: true,
    execute: async ({ item }, { ctx }) => {
      const { value } = await ctx.context.update('cart', (cart) => [...((cart as string[] | undefined) ?? []), item])
      if (commits) await ctx.commit()
      return { count: (value as string[]).length }
    },
  })
const tools = { ...builtInTools(), add: tool('add', false), add_at_once: tool('add_at_once', true) }

/** An agent that makes these calls, turn by turn, and is done. */
function shopper(name: string, turns: readonly Calls[], agents: Readonly<Record<string, LlmAgent>> = {}) {
  const responses = [...turns.map((toolCalls) => ({ toolCalls: [...toolCalls] })), 'done']
  const model = new MockModel({ responses })
  return { model, agent: new LlmAgent({ name, instructions: 'Shop.', model, tools, agents }) }
}

async function run(
  calls: Calls | ReturnType<typeof shopper>,
  options: { readonly before?: (troupe: Troupe) => Promise<unknown> } = {},
) {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  await options.before?.(troupe)
  const { model, agent } = 'agent' in calls ? calls : shopper('A', [calls])
  const ada = troupe.user('ada')
  const result = await ada.orchestra.run({ task: 'x', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
  return { ada, result, model, lastPrompt: JSON.stringify(model.calls.at(-1)) }
}

const adding = (name: string, items = ['a', 'b', 'c', 'd', 'e', 'f', 'g']) =>
  items.map((item) => ({ name, args: { item } }))

describe('tool calls of one turn', () => {
  it.each(['add', 'add_at_once'])(
    'Tool calls of one turn that update one key build on each other: %s.',
    async (name) => {
      const { ada, result, model, lastPrompt } = await run(adding(name))
      expect(result).toMatchObject({ status: 'completed' })
      expect(await ada.context.get('cart')).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
      // The model is asked once for what it is to go on with, with results that hold.
      expect(model.calls).toHaveLength(2)
      const counts = [...lastPrompt.matchAll(/"count":(\d)/g)].map(([, count]) => Number(count))
      expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7])
    },
  )

  it('The second of two tool calls that expect a missing entry gets a conflict, and nothing fails.', async () => {
    const push = (value: string) => ({ name: 'push_context', args: { key: 'n', value, if_version: 0 } })
    const { ada, result, lastPrompt } = await run([push('a'), push('b')])
    expect(result).toMatchObject({ status: 'completed' })
    expect(await ada.context.get('n')).toBe('a')
    expect(lastPrompt).toContain('context.conflict')
  })

  it('The second of two tool calls that delete one entry finds none.', async () => {
    const remove = { name: 'delete_context', args: { key: 'x' } }
    const before = (troupe: Troupe) => troupe.user('ada').agent('A').context.push('x', 1)
    const { ada, result, lastPrompt } = await run([remove, remove], { before })
    expect(result).toMatchObject({ status: 'completed' })
    expect(await ada.context.get('x')).toBeUndefined()
    expect(lastPrompt).toContain('context.missing')
  })

  it.each(['add', 'add_at_once'])(
    'Tool calls of a helper build on each other in each of its turns: %s.',
    async (name) => {
      const helper = shopper('Helper', [adding(name, ['a', 'b', 'c']), adding(name, ['d', 'e'])])
      const asks = [{ name: 'help', args: { request: 'Fill the cart.' } }]
      const { ada, result, model } = await run(shopper('A', [asks, adding(name, ['f', 'g'])], { help: helper.agent }))
      expect(result).toMatchObject({ status: 'completed' })
      expect(await ada.context.get('cart')).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
      expect([helper.model.calls.length, model.calls.length]).toEqual([3, 3])
    },
  )

  it('Tool calls of parallel helpers all take effect, and no model is asked again.', async () => {
    const helpers = ['ab', 'cd', 'ef'].map((items) => shopper(`Helper ${items}`, [adding('add', [...items])]))
    const agents = Object.fromEntries(helpers.map(({ agent }, i) => [`help_${i}`, agent]))
    const asks = helpers.map((_, i) => ({ name: `help_${i}`, args: { request: 'Fill the cart.' } }))
    const { ada, result, model } = await run(shopper('A', [asks], agents))
    expect(result).toMatchObject({ status: 'completed' })
    expect(((await ada.context.get('cart')) as string[]).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect([...helpers.map((helper) => helper.model.calls.length), model.calls.length]).toEqual([2, 2, 2, 2])
  })
})
