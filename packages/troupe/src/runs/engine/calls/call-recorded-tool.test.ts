import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'
import { callRecordedTool } from './call-recorded-tool.ts'

const { opened } = troupesOfTests()

it('A tool call of a run with the longest id can be executed again, and the new run has the tag of that run.', async () => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({ q: z.number() }),
    effect: 'read',
    execute: ({ q }) => q + 1,
  })
  const model = new MockModel({ responses: [{ text: '', toolCalls: [{ name: 'look', args: { q: 1 } }] }, 'done'] })
  const troupe = await opened()
  const { orchestra } = troupe.user('ada')
  const topology = solo(new LlmAgent({ name: 'Clerk', model, tools: { look } }))
  const run = await orchestra.start({ id: 'x'.repeat(256), task: 't', topology })
  await run.result()
  const call = (await run.calls('1#1')).find(({ name }) => name === 'look')?.call ?? ''
  const reference = { run: run.id, step: '1#1', call }
  const id = await callRecordedTool(troupe[partsOf].runs.orchestra, 'ada', reference, { args: { q: 2 } })
  expect(await (await orchestra.get(id)).result()).toMatchObject({ status: 'completed', response: 3 })
  expect((await orchestra.list()).items.find((each) => each.id === id)?.tags).toEqual([`call:${run.id}`])
})
