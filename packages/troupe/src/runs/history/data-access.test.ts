/** The versions that the writes of a step are listed with. */
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineMessage, defineTool, LlmAgent, type Troupe } from '../../index.ts'
import { MockModel } from '../../testing/index.ts'

const open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

const Noted = defineMessage('noted', z.string())

it('The data access of a run has the version of each write and the id of each message of several tool calls.', async () => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  const ada = troupe.user('ada')
  const note = defineTool({
    name: 'note',
    description: 'Notes a text.',
    inputSchema: z.object({ text: z.string() }),
    durable: true,
    execute: async ({ text }, { ctx }) => {
      await ctx.context.push('notes', text)
      await ctx.messages.send(Noted, text, { to: 'Reader' })
      return text
    },
  })
  const call = (text: string) => ({ name: 'note', args: { text } })
  const model = new MockModel({
    responses: [{ text: '', toolCalls: [call('one'), call('two')] }, { text: '', toolCalls: [call('three')] }, 'done'],
  })
  const agent = new LlmAgent({ name: 'Noter', model, tools: { note } })
  const run = await ada.orchestra.start({ task: 'note', agent })
  await run.result()
  const { totalSteps } = await run.result()
  expect(totalSteps).toBe(1)
  let last = 0
  for await (const { seq } of run.events()) last = seq
  const { context, messages } = await ada.orchestra.at(run.id, last)
  expect(context.writes.map(({ key, version, value }) => [key, version, value])).toEqual([
    ['notes', 1, 'one'],
    ['notes', 2, 'two'],
    ['notes', 3, 'three'],
  ])
  expect(new Set(messages.sent.map(({ id }) => id)).size).toBe(3)
})
