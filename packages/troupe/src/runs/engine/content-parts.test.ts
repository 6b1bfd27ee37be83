/** Files in tasks and in results of tools, as models are sent them. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineMessage, defineTool, defineTopology, LlmAgent, patterns } from '../../index.ts'
import { openProviderServer } from '../../models/provider-server.test.fixture.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { file, image } from '../../tools.ts'

const { ada, opened } = troupesOfTests()

const pixels = Buffer.alloc(300_000, 7)
const shot = image(pixels, { mediaType: 'image/png', filename: 'shot.png' })
const screenshot = defineTool({
  name: 'screenshot',
  description: 'Takes a picture of the screen.',
  inputSchema: z.object({}),
  effect: 'read',
  untrusted: 'screen',
  execute: async () => [{ type: 'text', text: 'The screen.' }, shot],
})
const calls: MockItem = { toolCalls: [{ name: 'screenshot', args: {} }] }
const teamOf = (agent: LlmAgent) => patterns.pipeline({ stages: [{ agents: [agent] }] })

it('An image that a tool returns reaches the model as an image, and is untrusted where the tool is.', async () => {
  const model = new MockModel({ responses: [calls, 'A window.'] })
  const { orchestra } = await ada()
  const topology = teamOf(new LlmAgent({ name: 'Viewer', model, tools: { screenshot } }))
  const run = await orchestra.start({ task: 'What is on the screen?', topology })
  expect(await run.result()).toMatchObject({ response: 'A window.', taint: ['untrusted:screen'] })
  expect(model.calls[1]?.prompt.slice(-2)).toMatchObject([
    { role: 'tool', content: [{ output: { type: 'text', value: expect.stringMatching(/^The screen\./) } }] },
    {
      role: 'user',
      content: [
        { type: 'text' },
        { type: 'file', mediaType: 'image/png', filename: 'shot.png', data: { type: 'data', data: shot.data } },
      ],
    },
  ])
  expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
})

it('A file in a task is a file of the message of the user.', async () => {
  const model = new MockModel({ responses: ['An invoice.'] })
  const task = [{ type: 'text', text: 'What is it?' }, file('JVBERi0=', { mediaType: 'application/pdf' })]
  const { orchestra } = await ada()
  const run = await orchestra.start({ task, topology: teamOf(new LlmAgent({ name: 'Viewer', model })) })
  expect(await run.result()).toMatchObject({ response: 'An invoice.' })
  expect(model.calls[0]?.prompt.at(-1)).toEqual({
    role: 'user',
    content: [
      { type: 'text', text: 'What is it?' },
      { type: 'file', mediaType: 'application/pdf', data: { type: 'data', data: 'JVBERi0=' } },
    ],
  })
})

it('The memory of an agent counts an image as an image and not as the length of its base64.', async () => {
  const model = new MockModel({ responses: [calls, calls, 'A window.'] })
  const viewer = new LlmAgent({ name: 'Viewer', model, tools: { screenshot }, memory: { maxTokens: 20_000 } })
  await (await ada()).orchestra.run({ task: 'Look twice.', topology: teamOf(viewer) })
  expect(model.calls[2]?.prompt.filter(({ role }) => role === 'tool')).toHaveLength(2)
})

it('A model behind a URL reads the image of a tool in a message of the user, and no base64 as text.', async () => {
  const server = await openProviderServer([{ tool: { name: 'screenshot', args: {} } }, { text: 'A window.' }])
  onTestFinished(() => server.close())
  const model = { url: server.url, model: 'test' }
  const topology = teamOf(new LlmAgent({ name: 'Viewer', model, tools: { screenshot } }))
  expect(await (await ada()).orchestra.run({ task: 'Look.', topology })).toMatchObject({ response: 'A window.' })
  const messages = server.asked[1]?.body.messages as readonly { readonly role: string; readonly content: unknown }[]
  expect(messages.slice(-2)).toMatchObject([
    { role: 'tool', content: expect.stringMatching(/^The screen\.\n\(shot\.png of this result/) },
    {
      role: 'user',
      content: [{ type: 'text' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${shot.data}` } }],
    },
  ])
})

it('A file is made of bytes or base64 with a media type, and an image of nothing else.', () => {
  expect(file(new Uint8Array([1, 2, 3]), { mediaType: 'application/pdf' }).data).toBe('AQID')
  expect(file(new URL('http://127.0.0.1/a.png'), { mediaType: 'image/png' }).data).toBe('http://127.0.0.1/a.png')
  expect(() => file('file:///etc/passwd', { mediaType: 'image/png' })).toThrow(/neither bytes, base64 nor an http/)
  expect(() => file('AQID', { mediaType: 'png' })).toThrow(/media type of a file/)
  expect(() => image('AQID', { mediaType: 'application/pdf' })).toThrow(/application\/pdf/)
})

it('A file inside a value reaches the model as a file, once, with the value as text before it.', async () => {
  const report = {
    results: [
      { agent: 'Eye', value: shot },
      { agent: 'Copy', value: shot },
    ],
    note: 'two',
  }
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({}),
    effect: 'read',
    execute: async () => report,
  })
  const model = new MockModel({ responses: [{ toolCalls: [{ name: 'look', args: {} }] }, 'Seen.'] })
  const { orchestra } = await ada()
  await orchestra.run({
    task: { payload: { shot } },
    topology: teamOf(new LlmAgent({ name: 'Viewer', model, tools: { look } })),
  })
  const [first, second] = model.calls
  const asked = { type: 'file', mediaType: 'image/png', filename: 'shot.png', data: { type: 'data', data: shot.data } }
  const pointer = '"data":"file 1 below"'
  expect(first?.prompt.at(-1)).toEqual({
    role: 'user',
    content: [{ type: 'text', text: expect.stringContaining(pointer) }, asked],
  })
  const text = JSON.stringify(second?.prompt)
  expect(text.split(shot.data)).toHaveLength(3)
  expect(text).toContain('\\"note\\":\\"two\\"')
})

it('A file that a model makes is a part of its answer, and is in the next prompt, also where the answer streams.', async () => {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } } as never
  const finishReason = { unified: 'stop', raw: 'stop' } as const
  const made = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: Buffer.from('bytes') } } as const
  const linked = {
    type: 'file',
    mediaType: 'image/png',
    data: { type: 'url', url: new URL('https://host.test/a.png') },
  } as const
  const prompts: unknown[] = []
  const painter: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'painter',
    supportedUrls: {},
    doGenerate: async ({ prompt }) => {
      prompts.push(prompt)
      return { content: [{ type: 'text', text: 'Here.' }, made, linked], finishReason, usage, warnings: [] }
    },
    doStream: async ({ prompt }) => {
      prompts.push(prompt)
      const parts: LanguageModelV4StreamPart[] = [
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'Here.' },
        { type: 'text-end', id: '1' },
        made,
        linked,
        { type: 'finish', finishReason, usage },
      ]
      return { stream: ReadableStream.from(parts) as ReadableStream<LanguageModelV4StreamPart> }
    },
  }
  const user = await ada()
  const session = user.session(new LlmAgent({ name: 'Painter', model: painter }), { threadId: 't' })
  const content = [
    { type: 'text', text: 'Here.' },
    { type: 'file', mediaType: 'image/png', data: Buffer.from('bytes').toString('base64') },
    { type: 'source', sourceType: 'url', url: 'https://host.test/a.png' },
  ]
  expect((await session.generate('Paint.')).content).toMatchObject(content)
  const stream = session.stream('Again.')
  for await (const _ of stream);
  expect((await stream.result).content).toMatchObject(content)
  expect(prompts[1]).toMatchObject([
    { role: 'user' },
    { role: 'assistant', content: [{ type: 'text' }, { type: 'file', mediaType: 'image/png' }] },
    { role: 'user' },
  ])
})

it.each([
  ['with a text', [{ type: 'text', text: 'Here.' } as const]],
  ['without a text', []],
])('A file that a model makes %s is in the content of its answer without a source too.', async (_, texts) => {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } } as never
  const file = { type: 'file', mediaType: 'image/png', data: Buffer.from('bytes').toString('base64') } as const
  const made = { ...file, data: { type: 'data', data: file.data } } as const
  const painter = {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'painter',
    supportedUrls: {},
    doGenerate: async () => ({
      content: [...texts, made],
      finishReason: { unified: 'stop', raw: 'stop' } as const,
      usage,
      warnings: [],
    }),
  } as unknown as LanguageModelV4
  const agent = new LlmAgent({ name: 'Painter', model: painter })
  const user = await ada()
  const answer = await user.session(agent, { threadId: 't' }).generate('Paint.')
  expect(answer.content).toEqual([...texts, file])
  expect(answer.text).toBe(texts[0]?.text ?? '')
  const { response } = await user.orchestra.run({ task: 'Paint.', topology: teamOf(agent) })
  expect(response).toEqual(texts[0]?.text ?? [file])
})

it('A file above the limit of a recorded value is rejected before anything is recorded.', () => {
  expect(() => image(Buffer.alloc(7 * 1024 * 1024), { mediaType: 'image/png' })).toThrow(
    expect.objectContaining({ code: 'value.too_large' }),
  )
  expect(image(Buffer.alloc(5 * 1024 * 1024), { mediaType: 'image/png' })).toMatchObject({ type: 'file' })
})

describe('A file by URL', () => {
  const requests: (string | undefined)[] = []
  const server = createServer((request, response) => {
    requests.push(request.url)
    if (request.url === '/shot.png') response.end(pixels)
    else if (request.url === '/large.png') response.end(Buffer.alloc(7 * 1024 * 1024))
    else response.writeHead(404).end()
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())
  const viewing = (responses: readonly MockItem[]) => {
    const model = new MockModel({ responses: [...responses] })
    return { model, agent: new LlmAgent({ name: 'Viewer', model }) }
  }

  it('A file by URL is downloaded once for the model, taints the step, and is not downloaded at a replay.', async () => {
    const { model, agent } = viewing(['A window.'])
    const troupe = await opened({ egress: { privateAddresses: ['127.0.0.1'] } })
    const { orchestra } = troupe.user('ada')
    requests.length = 0
    const shotByUrl = image(`${url}/shot.png`, { mediaType: 'image/png' })
    const task = [{ type: 'text', text: 'What is it?' }, shotByUrl, shotByUrl]
    const run = await orchestra.start({ task, agent })
    expect(await run.result()).toMatchObject({ response: 'A window.', taint: ['untrusted:127.0.0.1'] })
    const sent = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: pixels.toString('base64') } }
    expect(model.calls[0]?.prompt.at(-1)?.content).toEqual([{ type: 'text', text: 'What is it?' }, sent, sent])
    expect(requests).toEqual(['/shot.png'])
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    expect(JSON.stringify(await orchestra.prompts(run.id, '1#1'))).toContain(`${url}/shot.png`)
    expect(requests).toEqual(['/shot.png'])
  })

  it.each([
    ['a server that does not have it', '/gone.png', /status 404/],
    ['too many bytes', '/large.png', /more than \d+ bytes/],
  ])('A file by URL with %s fails the step and names the URL.', async (_, path, problem) => {
    const { model, agent } = viewing(['never'])
    const troupe = await opened({ egress: { privateAddresses: ['127.0.0.1'] } })
    const task = [image(`${url}${path}`, { mediaType: 'image/png' })]
    const { status, error } = await troupe.user('ada').orchestra.run({ task, agent })
    expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'model.content' })
    expect(error?.message).toMatch(problem)
    expect(error?.message).toContain(path)
    expect(model.calls).toHaveLength(0)
  })

  it('A prompt with more than 32 files by URL is rejected before any is downloaded.', async () => {
    const { agent } = viewing(['never'])
    const troupe = await opened({ egress: { privateAddresses: ['127.0.0.1'] } })
    requests.length = 0
    const task = Array.from({ length: 33 }, (_, n) => image(`${url}/shot.png?${n}`, { mediaType: 'image/png' }))
    const { error } = await troupe.user('ada').orchestra.run({ task, agent })
    expect(error).toMatchObject({ code: 'model.content', message: expect.stringContaining('at most 32 files') })
    expect(requests).toEqual([])
  })

  it('A file by URL at an address that egress does not allow is not requested.', async () => {
    const { agent } = viewing(['never'])
    requests.length = 0
    const task = [image(`${url}/shot.png`, { mediaType: 'image/png' })]
    const { error } = await (await ada()).orchestra.run({ task, agent })
    expect(error?.code).toMatch(/^egress\./)
    expect(requests).toEqual([])
  })
})

it('Files are accepted in answers, message payloads and context entries, and reach the model as files.', async () => {
  const asks: MockItem = { toolCalls: [{ name: 'ask_user', args: { question: 'Which screen?' } }] }
  const model = new MockModel({ responses: [asks, 'A window.'] })
  const agent = new LlmAgent({ name: 'Viewer', model })
  const user = await ada()
  const topology = defineTopology({
    agents: [agent],
    flows: ['Start -> Viewer', 'Viewer <-> User', 'Viewer -> End'],
  })
  const run = await user.orchestra.start({ task: 'Look.', topology })
  const [question] = (await run.result()).questions ?? []
  await run.answer(question?.id ?? '', [{ type: 'text', text: 'This one.' }, shot])
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'A window.' })
  const sent = JSON.stringify(model.calls[1]?.prompt)
  expect(sent.split(shot.data)).toHaveLength(2)
  expect(sent).toContain('"mediaType":"image/png"')
  const sender = user.agent('Sender')
  const Shown = defineMessage('shown', z.object({ shot: z.any() }))
  const reader = user.agent('Reader')
  await reader.mailbox.counts()
  await sender.messages.send(Shown, { shot }, { to: 'Reader' })
  const [delivery] = await reader.mailbox.receive({ max: 1 })
  expect(delivery?.message.payload).toEqual({ shot })
  await sender.context.push('screens.1', shot)
  expect(await sender.context.get('screens.1')).toEqual(shot)
})
