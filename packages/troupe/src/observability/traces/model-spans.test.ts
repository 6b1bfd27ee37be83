import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent } from '../../index.ts'
import { openProviderServer } from '../../models/provider-server.test.fixture.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import type { SpanTree } from '../index.ts'

const { opened } = troupesOfTests()
const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
const find = defineTool({
  name: 'find',
  description: 'Finds.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: () => 'found',
})
async function openClerk() {
  const server = await openProviderServer([{ tool: { name: 'find', args: {} } }, { text: 'the answer' }])
  servers.push(server)
  const clerk = new LlmAgent({ name: 'Clerk', model: { url: server.url, model: 'small' }, tools: { find } })
  return { clerk, troupe: await opened({ agents: [clerk] }) }
}
const flat = (trees: readonly SpanTree[] = []): readonly SpanTree[] =>
  trees.flatMap((one) => [one, ...flat(one.children)])

it('The spans of a run have the ids and the model that the provider names, by the conventions of OpenTelemetry.', async () => {
  const { troupe } = await openClerk()
  const ada = troupe.user('ada')
  await ada.orchestra.run({ id: 'one', agent: 'Clerk', task: 't' })
  const spans = flat((await ada.traces.get('one'))?.roots)
  const chats = spans.filter(({ name }) => name === 'chat small')
  expect(chats.map(({ attributes }) => attributes['gen_ai.response.finish_reasons'])).toEqual([
    ['tool-calls'],
    ['stop'],
  ])
  for (const { attributes } of chats)
    expect(attributes).toMatchObject({
      'gen_ai.conversation.id': 'one',
      'gen_ai.request.model': 'small',
      'gen_ai.response.model': 'test',
      'gen_ai.response.id': 'c',
    })
  expect(spans.find(({ name }) => name === 'execute_tool find')?.attributes).toMatchObject({
    'gen_ai.conversation.id': 'one',
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': 'call_1',
  })
})

it('The spans of a session have its thread as the id of the conversation, and the ids that the provider names.', async () => {
  const { clerk, troupe } = await openClerk()
  const ada = troupe.user('ada')
  await ada.traces.span('request', () => ada.session(clerk, { threadId: 'a/b' }).generate('hello'))
  const [{ traceId } = { traceId: '' }] = await ada.traces.list()
  const [, ...spans] = flat((await ada.traces.get(traceId))?.roots)
  expect(spans.map(({ name, attributes }) => [name, attributes['gen_ai.conversation.id']])).toEqual([
    ['invoke_agent Clerk', 'a/b'],
    ['chat small', 'a/b'],
    ['execute_tool find', 'a/b'],
    ['chat small', 'a/b'],
  ])
  expect(spans[1]?.attributes).toMatchObject({ 'gen_ai.response.id': 'c', 'gen_ai.response.model': 'test' })
  expect(spans[2]?.attributes).toMatchObject({ 'gen_ai.tool.call.id': 'call_1' })
})

it('The spans of a run that a tool of a session starts have the run as the id of the conversation.', async () => {
  const server = await openProviderServer([
    { tool: { name: 'begin', args: {} } },
    { tool: { name: 'find', args: {} } },
    { text: 'the answer' },
    { text: 'the end' },
  ])
  servers.push(server)
  const model = { url: server.url, model: 'small' }
  const clerk = new LlmAgent({ name: 'Clerk', model, tools: { find } })
  const troupe = await opened({ agents: [clerk] })
  const ada = troupe.user('ada')
  const begin = defineTool({
    name: 'begin',
    description: 'Starts a run.',
    inputSchema: z.object({}),
    effect: 'idempotent',
    execute: async () => (await ada.orchestra.run({ id: 'child', agent: 'Clerk', task: 't' })).status,
  })
  const chief = new LlmAgent({ name: 'Chief', model, tools: { begin } })
  await ada.session(chief, { threadId: 'a/b' }).generate('hello')
  const spans = flat((await ada.traces.get('child'))?.roots)
  expect(spans.filter(({ name }) => name === 'chat small')).toHaveLength(2)
  expect(new Set(spans.map(({ attributes }) => attributes['gen_ai.conversation.id']))).toEqual(new Set(['child']))
})

it('A span that failed without an error code has the error type _OTHER.', async () => {
  const failing = new LlmAgent({ name: 'Failing', model: { url: 'http://127.0.0.1:1', model: 'small' } })
  const ada = (await opened({ agents: [failing] })).user('ada')
  const run = await ada.orchestra.start({ task: 't', agent: 'Failing' })
  await run.result()
  const failed = flat((await ada.traces.get(run.id))?.roots).filter(({ status }) => status === 'error')
  expect(failed.map(({ name, attributes }) => [name, attributes['error.type']])).toContainEqual(['branch 1', '_OTHER'])
  expect(failed.every(({ attributes }) => typeof attributes['error.type'] === 'string')).toBe(true)
})
