import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, finish, invoke, type Json, type Session } from '../../index.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import type { Troupe } from '../../startup/troupe.ts'
import { createVirtualClock, MockModel } from '../../testing/index.ts'

interface Sent {
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Json }[]
}

const clock = createVirtualClock()
let spans: Sent[] = []
let folder = ''
let open: Troupe | undefined
beforeEach(() => {
  spans = []
  folder = mkdtempSync(join(tmpdir(), 'troupe-otlp-'))
})
afterEach(async () => {
  await open?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function opened(storage: string): Promise<Troupe> {
  open = await createTroupe({
    log: 'silent',
    storage,
    clock,
    agents: [lead, asker],
    otlp: { url: 'http://collector.test' },
    fetch: async (_, init) => {
      for (const { scopeSpans } of JSON.parse(String(init?.body)).resourceSpans ?? [])
        spans.push(...scopeSpans[0].spans)
      return new Response('{}')
    },
  })
  return open
}

const secondsOf = ({ startTimeUnixNano, endTimeUnixNano }: Sent) =>
  Math.round(Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e9)
const attributeOf = ({ attributes }: Sent, name: string) => attributes.find(({ key }) => key === name)?.value

const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => await ctx.ask({ text: 'Is it paid?' }) })
const lead = defineAgent({
  name: 'Lead',
  run: async (input: Json) => (input === 't' ? invoke([{ agent: 'Asker', input: 1 }]) : finish('done')),
})

it('The OTLP exporter sends a run that another process continues with its start, its waits and all its parents.', async () => {
  const storage = `sqlite:${join(folder, 't.db')}`
  const topology = { agents: [lead, asker], flows: ['Start -> Lead', 'Lead <-> Asker', 'Lead -> End'] }
  const first = await opened(storage)
  const { id } = await first.user('ada').orchestra.start({ task: 't', topology })
  const run = await first.user('ada').orchestra.get(id)
  const [question] = (await run.result()).questions
  await first.close()
  await clock.advance('1h')

  const second = await opened(storage)
  const resumed = await second.user('ada').orchestra.get(id)
  await resumed.answer(question?.id ?? '', 'yes')
  expect(await resumed.output()).toBe('done')
  await second.close()

  const byId = new Map(spans.map((span) => [span.spanId, span]))
  expect(spans).toHaveLength(byId.size)
  const rows = spans.map((span) => [span.name, byId.get(span.parentSpanId ?? '')?.name, secondsOf(span) >= 3_600])
  expect(rows.sort()).toEqual([
    ['branch 1', 'invoke_workflow', true],
    ['branch 1/1.1', 'branch 1', true],
    ['invoke_agent Asker', 'branch 1/1.1', true],
    ['invoke_agent Lead', 'branch 1', false],
    ['invoke_agent Lead', 'branch 1', false],
    ['invoke_workflow', undefined, true],
  ])
  const steps = spans.filter(({ name }) => name.startsWith('invoke_agent'))
  expect(steps.map((step) => attributeOf(step, 'troupe.attempt'))).toEqual(steps.map(() => ({ intValue: '1' })))
})

it('The OTLP exporter sends a call of a session that waits for an approval once, with its wait.', async () => {
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    inputSchema: z.object({}),
    effect: 'at-most-once',
    needsApproval: true,
    execute: async () => 'paid',
  })
  const model = new MockModel({ responses: [{ toolCalls: [{ name: 'pay', args: {} }] }, 'done'] })
  const troupe = await opened('memory:')
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Clerk', model, tools: [pay] }))
  await expect(session.chat('Pay.')).rejects.toMatchObject({ code: 'session.waiting' })
  await clock.advance('1h')
  const [question] = await session.questions()
  await session.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
  await troupe.close()
  const calls = spans.filter(({ name }) => name === 'invoke_agent Clerk')
  expect(calls.map(secondsOf)).toEqual([3_600])
})

it.each<[string, (session: Session) => Promise<unknown>]>([
  ['answers', async (session) => session.answer((await session.questions())[0]?.id ?? '', 'yes')],
  ['cancels', (session) => session.cancel()],
])('The OTLP exporter sends a call of a session from its start if another process %s it.', async (_, end) => {
  const storage = `sqlite:${join(folder, 't.db')}`
  const sessionOf = (troupe: Troupe) => troupe.user('ada').session(asker, { threadId: 't' })
  const first = await opened(storage)
  expect(await sessionOf(first).generate('t')).toMatchObject({ status: 'waiting' })
  await first.close()
  expect(spans).toEqual([])
  await clock.advance('1h')
  const second = await opened(storage)
  await end(sessionOf(second))
  const [trace] = await second.user('ada').traces.list()
  await second.close()
  expect(spans.map((span) => [span.name, secondsOf(span) >= 3_600])).toEqual([['invoke_agent Asker', true]])
  expect(spans[0]).toMatchObject({ traceId: trace?.traceId })
})

it('A call of a session that waits and is cancelled has an end in its trace, and is sent once.', async () => {
  const troupe = await opened('memory:')
  const ada = troupe.user('ada')
  const session = ada.session(asker, { threadId: 't' })
  await session.generate('t')
  await clock.advance('10s')
  await session.cancel()
  const [trace] = await ada.traces.list()
  expect(await ada.traces.get(trace?.traceId ?? '')).toMatchObject({
    roots: [{ name: 'invoke_agent Asker', status: 'ok', durationMs: expect.any(Number) }],
  })
  await troupe.close()
  expect(spans.map((span) => [span.name, secondsOf(span)])).toEqual([['invoke_agent Asker', 10]])
})
