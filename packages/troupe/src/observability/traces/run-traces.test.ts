import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import type { TroupeConfig } from '../../configuration/troupe-config.ts'
import { defineAgent, defineMessage, defineTool, patterns, Worker } from '../../index.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import type { Troupe } from '../../startup/troupe.ts'
import type { User } from '../../startup/user.ts'
import { createVirtualClock, MockModel } from '../../testing/index.ts'
import type { SpanTree } from '../index.ts'

const missing = await missingServer()
const schema = schemaName('traces')
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

let folder = ''
let open: Troupe[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-traces-'))
})
afterEach(async () => {
  for (const troupe of open) await troupe.close().catch(() => {})
  open = []
  rmSync(folder, { recursive: true, force: true })
})
async function opened(config: Partial<TroupeConfig> = {}): Promise<Troupe> {
  const troupe = await createTroupe({ log: 'silent', storage: 'memory:', ...config })
  open.push(troupe)
  return troupe
}

const search = defineTool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: ({ q }) => `found ${q}`,
})
const model = () =>
  new MockModel({
    responses: [{ toolCalls: [{ name: 'search', args: { q: 'SECRET WORDS' } }] }, { text: 'the answer' }],
  })
const team = () => {
  const writer = new LlmAgent({ name: 'Writer', instructions: 'Write.', model: model(), tools: { search } })
  const editor = defineAgent({ name: 'Editor', run: async (text: string) => `edited ${text}` })
  return patterns.pipeline({ stages: [{ agents: [writer] }, { agents: [editor] }] })
}
/** Names with those of their children. */
const names = (trees: readonly SpanTree[]): unknown[] => trees.map(({ name, children }) => [name, ...names(children)])
const flat = (trees: readonly SpanTree[]): readonly SpanTree[] => trees.flatMap((one) => [one, ...flat(one.children)])

const Order = defineMessage<number>('order')
/** A run whose only agent sends an order to Stock. */
async function sold(ada: User) {
  const seller = defineAgent({
    name: 'Seller',
    run: async (_, ctx) => {
      await ctx.messages.send(Order, 1, { to: 'Stock' })
      return 'sent'
    },
  })
  const run = await ada.orchestra.start({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [seller] }] }) })
  await run.result()
  return run
}

describe('the trace of a run', () => {
  it('The trace of a run is a tree of run, branch, steps, model and tool calls, with times, tokens and cost.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    const run = await ada.orchestra.start({ task: 't', topology: team() })
    await run.result()
    const trace = await ada.traces.get(run.id)
    expect(trace && names(trace.roots)).toEqual([
      [
        'invoke_workflow',
        [
          expect.stringMatching(/^branch /),
          [
            'invoke_agent Writer',
            [expect.stringMatching(/^chat /)],
            ['execute_tool search'],
            [expect.stringMatching(/^chat /)],
          ],
          ['invoke_agent Editor'],
        ],
      ],
    ])
    const spans = flat(trace?.roots ?? [])
    expect(spans.every(({ status, durationMs }) => status === 'ok' && (durationMs ?? -1) >= 0)).toBe(true)
    const chat = spans.find(({ name }) => name.startsWith('chat '))
    expect(chat?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.conversation.id': run.id,
      'gen_ai.provider.name': expect.any(String),
      'gen_ai.request.model': expect.any(String),
      'gen_ai.response.finish_reasons': ['tool-calls'],
      'gen_ai.usage.input_tokens': expect.any(Number),
      'gen_ai.usage.output_tokens': expect.any(Number),
      'gen_ai.agent.name': 'Writer',
    })
    const called = spans.find(({ name }) => name === 'execute_tool search')?.attributes
    expect(called).toMatchObject({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' })
    expect(trace?.inputTokens).toBeGreaterThan(0)
    for await (const { trace: traceId } of run.events()) expect(traceId).toBe(trace?.traceId)
    expect(JSON.stringify(trace)).not.toContain('SECRET WORDS')
    expect((await ada.traces.list()).map(({ traceId }) => traceId)).toEqual([trace?.traceId])
    expect(await troupe.user('eve').traces.get(run.id)).toBeUndefined()
    expect(await troupe.user('eve').traces.list()).toEqual([])
    expect(await troupe.user('eve').traces.get(trace?.traceId ?? '')).toBeUndefined()
  })
  it('The trace of a run contains content if configured, and failures.', async () => {
    const troupe = await opened({ traces: { content: true } })
    const ada = troupe.user('ada')
    const run = await ada.orchestra.start({ task: 't', topology: team() })
    await run.result()
    const spans = flat((await ada.traces.get(run.id))?.roots ?? [])
    const tool = spans.find(({ name }) => name === 'execute_tool search')
    expect(tool?.attributes['gen_ai.tool.call.arguments']).toBe('{"q":"SECRET WORDS"}')
    expect(tool?.attributes['gen_ai.tool.call.result']).toBe('"found SECRET WORDS"')
    const [first, second] = spans.filter(({ name }) => name.startsWith('chat '))
    const messagesOf = (span: SpanTree | undefined, name: string) => JSON.parse(String(span?.attributes[name]))
    const call = { type: 'tool_call', id: expect.any(String), name: 'search', arguments: { q: 'SECRET WORDS' } }
    expect(messagesOf(first, 'gen_ai.output.messages')).toEqual([
      { role: 'assistant', parts: [call], finish_reason: 'tool_call' },
    ])
    expect(messagesOf(second, 'gen_ai.input.messages').slice(-3)).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 't' }] },
      { role: 'assistant', parts: [call] },
      {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id: call.id, response: { type: 'text', value: 'found SECRET WORDS' } }],
      },
    ])
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('no')) })
    const failed = await ada.orchestra.start({
      task: 't',
      topology: patterns.pipeline({ stages: [{ agents: [broken] }] }),
    })
    await failed.result()
    expect((await ada.traces.get(failed.id))?.errors).toBeGreaterThanOrEqual(2)
  })
  it.skipIf(missing !== undefined)(
    'The trace of a run continues in the worker of another process, and is one tree in both.',
    async () => {
      const storage = { url: server, schema }
      const [ada, there] = [(await opened({ storage })).user('ada'), (await opened({ storage })).user('ada')]
      const own = Promise.withResolvers<void>()
      const worker = new Worker('Stock').on(Order, async () => {
        await there.traces.span('book', async () => {})
        own.resolve()
      })
      await there.start(worker)
      const run = await sold(ada)
      await own.promise
      const tree = [
        [
          'invoke_workflow',
          [expect.stringMatching(/^branch /), ['invoke_agent Seller', ['send order'], ['process order', ['book']]]],
        ],
      ]
      for (const { traces } of [ada, there])
        await expect.poll(async () => names((await traces.get(run.id))?.roots ?? [])).toEqual(tree)
    },
  )
  it('The trace of a run continues in the worker that one of its messages reaches.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    const handled = Promise.withResolvers<void>()
    const worker = new Worker('Stock')
    worker.on(Order, async (_, ctx) => {
      await ctx.effect('book', { class: 'at-most-once' }, () => 1)
      handled.resolve()
    })
    await ada.start(worker)
    const run = await sold(ada)
    await handled.promise
    await expect
      .poll(async () => flat((await ada.traces.get(run.id))?.roots ?? []).map(({ name }) => name))
      .toEqual(expect.arrayContaining(['invoke_agent Seller', 'send order', 'process order']))
    const seen = flat((await ada.traces.get(run.id))?.roots ?? []).find(({ name }) => name === 'invoke_agent Seller')
    expect(seen?.children.map(({ name, kind }) => [name, kind])).toEqual([
      ['send order', 'producer'],
      ['process order', 'consumer'],
    ])
  })
  it('The trace of a run survives a restart, is encrypted if encryption is on, and is erased with its user.', async () => {
    const path = join(folder, 'troupe.db')
    const keys = [{ id: 'first', key: Buffer.alloc(32, 7) }]
    const config = { storage: `sqlite:${path}`, encryption: { keys }, traces: { content: true } }
    const first = await opened(config)
    const run = await first.user('ada').orchestra.start({ task: 't', topology: team() })
    await run.result()
    await first.close()
    expect(existsSync(path)).toBe(true)
    const db = new DatabaseSync(path)
    const rows = JSON.stringify(db.prepare('select * from trace_spans').all())
    db.close()
    expect(rows.length).toBeGreaterThan(100)
    expect(rows).not.toContain('SECRET WORDS')
    const second = await opened(config)
    expect((await second.user('ada').traces.get(run.id))?.spans).toBeGreaterThanOrEqual(6)
    expect((await second.forget('ada')).rows.observability).toBeGreaterThan(0)
    expect(await second.user('ada').traces.list()).toEqual([])
  })
  it('The trace of a run is removed after its retention, and beyond the limit of a user the oldest first.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock, traces: { retention: '1d', max: 3 } })
    const ada = troupe.user('ada')
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      await ada.traces.span(`span ${i}`, () => ids.push(ada.traces.traceparent()?.slice(3, 35) ?? ''))
      await clock.advance('5s')
    }
    expect((await ada.traces.list()).map(({ traceId }) => traceId)).toEqual(ids.toReversed())
    await clock.advance('2m')
    expect((await ada.traces.list()).map(({ traceId }) => traceId)).toEqual(ids.slice(2).toReversed())
    await clock.advance('1d')
    await clock.advance('2m')
    expect(await ada.traces.list()).toEqual([])
  })
  it('A clean-up of traces removes all beyond the limit of a user, however many they are.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock, traces: { retention: '1d', max: 3 } })
    const ada = troupe.user('ada')
    for (let i = 0; i < 900; i++) await ada.traces.span('span', () => {})
    await clock.advance('70s')
    expect(await ada.traces.list({ limit: 1_000 })).toHaveLength(3)
  })
})

describe("a host's own spans", () => {
  it('The spans of an application nest, continue the trace of a caller, and record a failure.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    const caller = 'a'.repeat(32)
    const failing = ada.traces.span(
      'request',
      () => ada.traces.span('inner', () => Promise.reject(new TypeError('no')), { attributes: { size: 3 } }),
      { traceparent: `00-${caller}-${'b'.repeat(16)}-01` },
    )
    await expect(failing).rejects.toThrow('no')
    const trace = await ada.traces.get(caller)
    expect(trace && names(trace.roots)).toEqual([['request', ['inner']]])
    expect(trace?.roots[0]?.parent).toBe('b'.repeat(16))
    expect(trace?.roots[0]?.children[0]).toMatchObject({
      status: 'error',
      attributes: { size: 3, 'error.type': 'TypeError' },
    })
    const good = `00-${caller}-${'b'.repeat(16)}-01`
    for (const wrong of ['nonsense', `ff${good.slice(2)}`, `${good}\r\nx: y`, `${good}-more`, good.toUpperCase()])
      await expect(ada.traces.span('x', () => 1, { traceparent: wrong })).rejects.toThrow(/W3C/)
    // A later version may say more.
    expect(await ada.traces.span('x', () => 1, { traceparent: `01${good.slice(2)}-more` })).toBe(1)
  })
})

interface Sent {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
}
describe('the collector of OpenTelemetry', () => {
  it('The collector of OpenTelemetry gets spans and metrics, with a retry after a rejection.', async () => {
    const got: { readonly path: string; readonly body: Record<string, unknown[]>; readonly key: unknown }[] = []
    let rejections = 1
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        const rejected = rejections-- > 0
        if (!rejected) got.push({ path: request.url ?? '', body: JSON.parse(body), key: request.headers['x-key'] })
        response.writeHead(rejected ? 503 : 200).end('{}')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const otlp = { url: `http://127.0.0.1:${port}`, headers: { 'x-key': 'k' }, resource: { 'service.name': 'shop' } }
      const troupe = await opened({ otlp })
      const run = await troupe.user('ada').orchestra.start({ task: 't', topology: team() })
      await run.result()
      await expect.poll(() => got.some(({ path }) => path === '/v1/traces')).toBe(true)
      await troupe.close()
    } finally {
      server.close()
    }
    expect(new Set(got.map(({ path }) => path))).toEqual(new Set(['/v1/traces', '/v1/metrics']))
    expect(got.every(({ key }) => key === 'k')).toBe(true)
    const text = JSON.stringify(got)
    expect(text).toContain('{"key":"service.name","value":{"stringValue":"shop"}}')
    expect(text).toContain('"name":"invoke_workflow"')
    expect(text).toContain('troupe_tool_called_seconds')
    expect(text).not.toMatch(/"ada"|SECRET WORDS/)
    const spans = got.flatMap(({ path, body }) => (path === '/v1/traces' ? (body.resourceSpans ?? []) : []))
    expect(JSON.stringify(spans)).toMatch(/"startTimeUnixNano":"\d{19}"/)
    const flat = JSON.parse(JSON.stringify(spans)).flatMap(
      (one: { scopeSpans: [{ spans: Sent[] }] }) => one.scopeSpans[0].spans,
    )
    const ids = new Set(flat.map(({ spanId }: Sent) => spanId))
    const roots = flat.filter(({ parentSpanId }: Sent) => !ids.has(parentSpanId ?? ''))
    expect(roots.map(({ name }: Sent) => name)).toEqual(['invoke_workflow'])
  })
  it('The collector of OpenTelemetry delays no run if it is unreachable.', async () => {
    const troupe = await opened({
      otlp: { url: 'http://127.0.0.1:1' },
      fetch: () => Promise.reject(new TypeError('fetch failed')),
      clock: createVirtualClock(),
    })
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: team() })
    expect(await run.result()).toMatchObject({ status: 'completed' })
  })
})
