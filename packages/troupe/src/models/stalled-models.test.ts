/** Models whose stream stops sending, on a server of this machine. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createEvents, createVirtualClock, seededRandom } from '../core/index.ts'
import { createTroupe, LlmAgent, type TroupeConfig } from '../index.ts'
import { createModels } from './create-models.ts'
import type { Models } from './models-port.ts'

const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

type Respond = (response: ServerResponse) => void
const base = { id: 'c', created: 1, model: 'test', object: 'chat.completion.chunk' }
const piece = (response: ServerResponse, delta: object, finish: string | null = null) =>
  response.write(`data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`)
const complete: Respond = (response) => {
  piece(response, { role: 'assistant', content: 'all is well' })
  piece(response, {}, 'stop')
  response.end('data: [DONE]\n\n')
}
const begun: Respond = (response) => void piece(response, { role: 'assistant', content: 'all is' })
/** The connection stands, and keep-alives are no pieces of an answer. */
const silent: Respond = (response) => void response.write(': keep-alive\n\n')

/** Sends white space before the answer, and never the answer. */
const dripping: Respond = (response) => {
  const timer = setInterval(() => response.write(' '), 5)
  response.on('close', () => clearInterval(timer))
}

/** @returns how many connections their client has cut */
async function modelThat(...answers: readonly Respond[]) {
  const bodies: { messages: { role: string; content: unknown }[] }[] = []
  let cut = 0
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => {
      body += data
    })
    response.on('close', () => {
      if (!response.writableEnded) cut++
    })
    request.on('end', () => {
      bodies.push(JSON.parse(body))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      answers[Math.min(bodies.length, answers.length) - 1]?.(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push({
    close() {
      server.closeAllConnections()
      server.close()
    },
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return { url, model: 'test', bodies, cut: () => cut }
}

const opened = (models: TroupeConfig['models'] = {}) =>
  createTroupe({ storage: 'memory:', log: 'silent', models: { idle: '1s', ...models } })

it.each([
  ['in the middle of a text', begun],
  ['before its first piece', silent],
])('A model stream that stalls %s is cut and requested again.', async (_, stops) => {
  await using troupe = await opened()
  const { url, model, bodies, cut } = await modelThat(stops, complete)
  const agent = new LlmAgent({ name: 'Clerk', model: { url, model } })
  const stream = troupe.user('ada').session(agent).stream('how is it?')
  let text = ''
  for await (const part of stream) if (part.type === 'text-delta') text += part.delta
  expect(text).toBe('all is well')
  expect((await stream.result).text).toBe('all is well')
  expect(bodies).toHaveLength(2)
  await expect.poll(cut).toBe(1)
})

it('A model that always stalls ends with a typed error, and the thread continues without that turn.', async () => {
  await using troupe = await opened({ attempts: 2 })
  const { url, model, bodies } = await modelThat(begun, begun, complete)
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Clerk', model: { url, model } }))
  const stalled = session.stream('how is it?')
  await expect(stalled.result).rejects.toMatchObject({
    name: 'ExternalServiceError',
    code: 'model.failed',
    retryable: true,
    message: expect.stringContaining('sent nothing for 1s'),
  })
  expect((await session.stream('and now?').result).text).toBe('all is well')
  expect(bodies).toHaveLength(3)
  expect(bodies[2]?.messages.map(({ role }) => role)).not.toContain('assistant')
})

it('A chain asks the next model if one stalls.', async () => {
  await using troupe = await opened({ attempts: 1 })
  const [first, second] = [await modelThat(silent), await modelThat(complete)]
  const chain = [
    { url: first.url, model: 'first' },
    { url: second.url, model: 'second' },
  ]
  const { text, fallback } = await troupe
    .user('ada')
    .session(new LlmAgent({ name: 'Clerk', model: chain }))
    .stream('how is it?').result
  expect(text).toBe('all is well')
  expect(fallback).toMatchObject({ to: expect.stringContaining('second'), reason: expect.stringContaining('nothing') })
})

it('The option `models.idle` is a duration above zero.', async () => {
  await expect(opened({ idle: '0ms' })).rejects.toMatchObject({ code: 'validation.failed' })
  await expect(opened({ idle: 5 as never })).rejects.toMatchObject({ code: 'duration.invalid' })
})

type Spec = { readonly url: string; readonly model: string }
const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }]

it.each<[string, (models: Models, spec: Spec) => Promise<unknown> | undefined]>([
  ['language', (models, spec) => models.call([spec], { user: 'ada', prompt })],
  ['embedding', (models, spec) => models.embed(spec, ['bread'], { user: 'ada' })],
  ['reranking', (models, spec) => models.rerank?.(spec, 'food', ['bread'], { user: 'ada' })],
])('An answer of a %s model that is not streamed ends after 10 minutes if no timeout is set.', async (_, ask) => {
  const { url, bodies, cut } = await modelThat(dripping)
  const clock = createVirtualClock()
  const models = createModels({
    clock,
    random: seededRandom(1),
    events: createEvents(() => {}),
    fetchTo: () => fetch,
  })
  const outcome = Promise.resolve(ask(models, { url, model: 'test' })).catch((error: unknown) => error)
  await expect.poll(() => bodies.length).toBe(1)
  await clock.advance('9m')
  expect(cut()).toBe(0)
  await clock.advance('2m')
  expect(await outcome).toMatchObject({ code: 'timeout', details: { kind: 'model', limit: '10m' } })
  await expect.poll(cut).toBe(1)
})
