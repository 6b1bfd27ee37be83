/** Rows about covering tracks: each write of the API that is carried out leaves a record with the key that did it. */
import { defineAgent, finish } from '../../src/index.ts'
import type { Attack, AttackAction } from './attack.ts'
import { line } from './channel-parts.ts'
import { send } from './target-user.ts'
import { echo, type Testbed } from './testbed.ts'

type Write = readonly [method: string, path: string, body?: unknown]
const byMcp = (name: string, args: object): Write => [
  'POST',
  '/mcp',
  { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } },
]
/** Each is carried out with what is there; RUN is an ended run, WAITS one that waits for an answer. */
const writes: Readonly<Record<string, Write>> = {
  'put an entry': ['PUT', '/v1/context/entries/mine', { value: 1 }],
  'write by a batch': ['POST', '/v1/context/batch', { operations: [{ type: 'push', key: 'b', value: 1 }] }],
  'delete an entry': ['DELETE', '/v1/context/entries/there'],
  subscribe: ['POST', '/v1/context/subscribe', { topics: ['orders'] }],
  'send a message': ['POST', '/v1/messages', { type: 'n', payload: 1, to: 'Box' }],
  broadcast: ['POST', '/v1/messages/broadcast', { type: 'n', payload: 1, to: ['Box'] }],
  'start a run': ['POST', '/v1/runs', { agent: 'Echo', task: 1 }],
  'fork a run': ['POST', '/v1/runs/RUN/fork', { at: 1 }],
  'call a recorded tool': ['POST', '/v1/runs/RUN/steps/1%231/tool-call', { call: '/effect:x 1.1#1', args: {} }],
  'retry a run': ['POST', '/v1/runs/FAILED/retry', {}],
  'cancel a run': ['POST', '/v1/runs/WAITS/cancel', {}],
  'pause a run': ['POST', '/v1/runs/WAITS/pause', {}],
  'answer a run': ['POST', '/v1/runs/WAITS/answers', { question: 'QUESTION', value: 'x' }],
  'undo a run': ['POST', '/v1/runs/RUN/undo', {}],
  'evaluate runs': ['POST', '/v1/evaluations', { runs: ['RUN'], change: {}, score: 'exact' }],
  'start a run in the words of simple clients': ['POST', '/execute', { agent: 'Echo', task: 1 }],
  'set breakpoints': ['POST', '/v1/runs/WAITS/breakpoints', { breakOn: 'error' }],
  'create a schedule': ['POST', '/v1/schedules', { agent: 'Echo', task: 1, every: '1d' }],
  'trigger a schedule': ['POST', '/v1/schedules/nightly/trigger', {}],
  'pause a schedule': ['POST', '/v1/schedules/nightly/pause', {}],
  'delete a schedule': ['DELETE', '/v1/schedules/nightly'],
  'create an API key': ['POST', '/v1/api-keys', { name: 'mine', users: ['USER'] }],
  'make a link with a key': ['POST', '/v1/links', {}],
  'receive a message': ['POST', '/v1/mailboxes/Box/receive', {}],
  unsubscribe: ['POST', '/v1/context/unsubscribe', { topics: ['orders'] }],
  publish: ['POST', '/v1/messages/publish', { type: 'n', payload: 1, topic: 'orders' }],
  'start a run by MCP': byMcp('run_team', { team: 'Echo', task: 1 }),
  'answer a run by MCP': byMcp('answer_run', { run: 'WAITS', question: 'QUESTION', value: 'x' }),
  'cancel a run by MCP': byMcp('cancel_run', { run: 'WAITS' }),
  'policy of a topic': ['PUT', '/v1/topics/orders/policy', {}],
  'push an entry by MCP': byMcp('push_context', { key: 'by-mcp', value: 1 }),
  'send a message by MCP': byMcp('send_message_to_agent', { to_agent: 'Box', message: 'x' }),
  'delete a topic': ['DELETE', '/v1/topics/orders'],
}
export const rogueAgents: readonly Attack[] = Object.keys(writes).map((name): Attack => {
  return {
    id: `rogue/${name.replaceAll(' ', '-')}`,
    family: 'rogue agent',
    source: 'a caller with a key',
    channel: 'write without a trace',
    payload: name,
    goal: 'change something that the audit log does not tell',
    policy: 'default',
    expected: 'blocked',
  }
})

async function prepared({ troupe }: Testbed, user: string) {
  const ada = troupe.user(user)
  await ada.context.push('there', 1, { topics: ['orders'] } as never)
  const topology = line(echo)
  const failing = defineAgent({
    name: 'Failing',
    run: async () => {
      throw new Error('no')
    },
  })
  const asking = defineAgent({ name: 'Asking', run: async (_, ctx) => finish(await ctx.ask({ text: 'Well?' })) })
  const run = await ada.orchestra.start({ task: 1, topology })
  await run.result()
  const failed = await ada.orchestra.start({ task: 1, topology: line(failing) })
  await failed.result()
  const waits = await ada.orchestra.start({ task: 1, topology: line(asking) })
  const { questions } = await waits.result()
  await ada.schedules.create({ id: 'nightly', topology, task: 1, every: '1d' } as never)
  return { RUN: run.id, FAILED: failed.id, WAITS: waits.id, QUESTION: questions[0]?.id ?? '', USER: user }
}

const mcpHeaders = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
const withoutTrace: AttackAction = async ({ payload }, testbed) => {
  const { userId } = testbed.newScene()
  const ids = await prepared(testbed, userId)
  const fill = (text: string) =>
    text.replaceAll(/RUN|FAILED|WAITS|QUESTION|USER/g, (name) => ids[name as keyof typeof ids])
  const { id, key } = await testbed.troupe.apiKeys.create({
    name: 'rogue',
    users: payload.includes('key') ? 'all' : [userId],
    role: 'admin',
  })
  const [method, path, body] = writes[payload] as Write
  const sent = body === undefined ? undefined : fill(JSON.stringify(body))
  const url = fill(path)
    .split('/')
    .map((part, i) => (i > 2 && !part.includes('?') ? encodeURIComponent(decodeURIComponent(part)) : part))
    .join('/')
  const { status, text } = await send(testbed.url, method, url, {
    key,
    body: sent,
    headers: { ...mcpHeaders, 'troupe-user': userId },
  })
  await testbed.troupe.audit.flush()
  const { items } = await testbed.troupe.audit.list({ limit: 100 } as never)
  const record = items.find((one) => one.key === id && one.allowed)
  return {
    succeeded: status < 300 && record === undefined,
    asked: false,
    reached: status < 300,
    detail: `${status} ${record?.operation ?? 'no record'} ${status < 300 ? '' : text.slice(0, 200)}`,
  }
}
export const rogueAgentsActions: Readonly<Record<string, AttackAction>> = { 'write without a trace': withoutTrace }
