/** A request that is carried out, for each route that changes something; tests check its record in the audit log. */

import { z } from 'zod'
import { TroupeError } from '../../src/core/index.ts'
import { defineAgent, defineTool, finish, LlmAgent, type Troupe } from '../../src/index.ts'
import { parseDataset } from '../../src/runs/index.ts'
import { MockModel } from '../../src/testing/index.ts'

const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
const failing = defineAgent({
  name: 'Fails',
  run: async () => {
    throw new TroupeError('no', { code: 'own.no' })
  },
})
const uncertain = defineAgent({
  name: 'Uncertain',
  run: async (_, ctx) =>
    finish(
      await ctx.effect('pay', { class: 'at-most-once' }, () => {
        throw new TroupeError('no answer', { code: 'outcome.unknown' })
      }),
    ),
})
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: () => 'seen',
})
const model = new MockModel({
  responses: [
    { match: 'seen', text: 'Done.' },
    { match: () => true, toolCalls: [{ name: 'look' }] },
  ],
})
const looking = new LlmAgent({ name: 'Looks', model, tools: { look } })

/** The troupe needs these beside an agent Echo. */
export const auditedAgents = [asks, failing, uncertain, looking]

/** Values for the parameters of a path, and a body if the route has one. */
export type AuditedRequest = Readonly<Record<string, unknown>>

/** Sends a request, and reads its answer as JSON. */
// What a request needs of an answer says what it is.
// biome-ignore lint/suspicious/noExplicitAny: any JSON
export type SendRequest = (method: string, path: string, body?: unknown) => Promise<{ readonly body: any }>

interface Owner {
  readonly troupe: Troupe
  /** Whose data the requests change. */
  readonly user: string
  /** Sends requests of that user. */
  readonly host: SendRequest
}
type Requests = Readonly<Record<string, () => Promise<AuditedRequest>>>

const message = { type: 'n', payload: 1 }

/** The subject of the requests. */
function preparations({ troupe, user, host }: Owner) {
  const own = troupe.user(user)
  let ids = 0
  const nextId = () => ++ids
  const runOf = async (agent: string, config: object = {}) => {
    const run = await own.orchestra.start({ task: 1, agent, config } as never)
    return { run, result: await run.result() }
  }
  const waiting = async () => (await runOf('Asks')).run.id
  const ended = async () => (await runOf('Echo')).run.id
  const paused = async () => {
    const { run } = await runOf('Asks')
    await run.pause()
    return run.id
  }
  const held = async () => (await runOf('Fails', { debug: { breakOn: 'error' } })).run.id
  const scheduleId = async () => {
    const id = `s${nextId()}`
    await own.schedules.create({ id, team: 'echo', task: 1, every: '1d' } as never)
    return id
  }
  const experimentId = async () => {
    const dataset = parseDataset('d', '{"input":1}')
    const spec = { dataset, team: 'echo', scorers: { cites: 'citations' } } as const
    return (await own.experiments.evaluate(spec)).id
  }
  const entry = async () => {
    await own.context.push('there', 1, { topics: ['orders'] })
    return {}
  }
  const delivery = async () => {
    const mailbox = `Box${nextId()}`
    await host('POST', '/v1/messages', { type: 'n', payload: 1, to: mailbox })
    const { body } = await host('POST', `/v1/mailboxes/${mailbox}/receive`, { max: 1 })
    return { mailbox, body: { delivery: body.deliveries[0].delivery } }
  }
  const toolCall = async () => {
    const { run } = await runOf('Looks')
    return { run: run.id, step: '1#1', body: { call: '/effect:look 1.1#1', args: {} } }
  }
  const apiKey = async () => (await troupe.apiKeys.create({ name: 'k', users: [user] })).id
  return {
    apiKey,
    delivery,
    ended,
    entry,
    experimentId,
    held,
    host,
    nextId,
    own,
    paused,
    runOf,
    scheduleId,
    toolCall,
    user,
    waiting,
  }
}
type Preparations = ReturnType<typeof preparations>

const runRequests = ({ ended, held, own, paused, runOf, toolCall, waiting, nextId }: Preparations): Requests => ({
  'POST /v1/runs': async () => ({ body: { task: 1, agent: 'Echo' } }),
  'POST /execute': async () => ({ body: { task: 1, agent: 'Echo' } }),
  'DELETE /v1/threads/:thread': async () => {
    const thread = `thread${nextId()}`
    await own.orchestra.run({ task: 1, agent: 'Echo', threadId: thread })
    return { thread }
  },
  'POST /v1/runs/:run/pause': async () => ({ run: await waiting() }),
  'POST /v1/runs/:run/resume': async () => ({ run: await paused() }),
  'POST /v1/runs/:run/cancel': async () => ({ run: await waiting() }),
  'POST /v1/runs/:run/answers': async () => {
    const { run, result } = await runOf('Asks')
    return { run: run.id, body: { question: result.questions[0]?.id, value: 'red' } }
  },
  'POST /v1/runs/:run/fork': async () => ({ run: await ended(), body: { at: 1 } }),
  'POST /v1/runs/:run/steps/:step/tool-call': toolCall,
  'POST /v1/runs/:run/retry': async () => ({ run: (await runOf('Fails')).run.id }),
  'POST /v1/runs/:run/undo': async () => ({ run: await ended() }),
  'POST /v1/runs/:run/step': async () => ({ run: await held() }),
  'POST /v1/runs/:run/breakpoints': async () => ({ run: await waiting(), body: { breakOn: 'error' } }),
  'POST /v1/runs/:run/edit': async () => ({ run: await held(), body: { results: { '1#1': 'x' } } }),
  'POST /v1/runs/:run/effects/resolve': async () => {
    const { run, result } = await runOf('Uncertain')
    const { step, call } = result.uncertain?.[0] ?? {}
    return { run: run.id, body: { step, call, happened: true, output: 1 } }
  },
  'POST /v1/approvals/:approval/answers': async () => {
    const threadId = `asks${nextId()}`
    const { questions } = await own.session(asks, { threadId }).generate(1)
    return { approval: `session:${threadId}/Asks`, body: { question: questions?.[0]?.id, value: 'red' } }
  },
  'POST /v1/approvals/:approval/resolve': async () => {
    const threadId = `pays${nextId()}`
    const session = own.session(uncertain, { threadId })
    await session.run(1)
    const { step, call } = (await session.uncertain())[0] ?? {}
    return { approval: `session:${threadId}/Uncertain`, body: { step, call, happened: true, output: 1 } }
  },
  'POST /v1/approvals/:approval/cancel': async () => {
    const threadId = `left${nextId()}`
    await own.session(asks, { threadId }).generate(1)
    return { approval: `session:${threadId}/Asks` }
  },
  'POST /v1/evaluations': async () => ({ body: { runs: [await ended()], change: {}, score: 'exact' } }),
  'POST /v1/experiments': async () => ({
    body: { dataset: { name: 'd', jsonl: '{"input":1}' }, team: 'echo', scorers: { cites: 'citations' } },
  }),
})

const dataRequests = ({ entry, own, scheduleId }: Preparations): Requests => ({
  'POST /v1/schedules': async () => ({ body: { team: 'echo', task: 1, every: '1d' } }),
  'POST /v1/schedules/:schedule/pause': async () => ({ schedule: await scheduleId() }),
  'POST /v1/schedules/:schedule/resume': async () => {
    const schedule = await scheduleId()
    await own.schedules.pause(schedule)
    return { schedule }
  },
  'POST /v1/schedules/:schedule/trigger': async () => ({ schedule: await scheduleId() }),
  'DELETE /v1/schedules/:schedule': async () => ({ schedule: await scheduleId() }),
  'PUT /v1/context/entries/:key': async () => ({ key: 'mine', body: { value: 1 } }),
  'DELETE /v1/context/entries/:key': async () => ({ ...(await entry()), key: 'there' }),
  'DELETE /v1/context/entries': entry,
  'POST /v1/context/batch': async () => ({ body: { operations: [{ type: 'push', key: 'b', value: 1 }] } }),
  'POST /v1/context/subscribe': async () => ({ body: { topics: ['orders'] } }),
  'POST /v1/context/unsubscribe': async () => ({ body: { topics: ['orders'] } }),
  'DELETE /v1/topics/:topic': async () => ({ ...(await entry()), topic: 'orders' }),
  'PUT /v1/topics/:topic/policy': async () => ({ topic: 'orders', body: {} }),
})

const messageRequests = ({ delivery, host }: Preparations): Requests => ({
  'POST /v1/messages': async () => ({ body: { ...message, to: 'Box' } }),
  'POST /v1/messages/broadcast': async () => ({ body: { ...message, to: ['Box'] } }),
  'POST /v1/messages/publish': async () => ({ body: { ...message, topic: 'orders' } }),
  'POST /v1/messages/request': async () => {
    void (async () => {
      const { body } = await host('POST', '/v1/mailboxes/Answering/receive', { max: 1, wait: '5s' })
      const [received] = body.deliveries
      await host('POST', '/v1/mailboxes/Answering/reply', { delivery: received?.delivery, value: 'yes' })
    })()
    return { body: { type: 'ask', payload: 1, to: 'Answering' } }
  },
  'POST /v1/mailboxes/:mailbox/read': async () => {
    const { body } = await host('POST', '/v1/messages', { ...message, to: 'Read' })
    return { mailbox: 'Read', body: { ids: [body.id] } }
  },
  'POST /v1/mailboxes/:mailbox/receive': async () => ({ mailbox: 'Box', body: { max: 1 } }),
  'POST /v1/mailboxes/:mailbox/ack': delivery,
  'POST /v1/mailboxes/:mailbox/nack': delivery,
  'POST /v1/mailboxes/:mailbox/renew': delivery,
  'POST /v1/mailboxes/:mailbox/reply': async () => {
    const asked = host('POST', '/v1/messages/request', { type: 'ask', payload: 1, to: 'Replies', timeout: '5s' })
    const { body } = await host('POST', '/v1/mailboxes/Replies/receive', { max: 1, wait: '5s' })
    void asked
    return { mailbox: 'Replies', body: { delivery: body.deliveries[0].delivery, value: 1 } }
  },
  'POST /v1/mailboxes/:mailbox/dead-letters/:message/redrive': async () => {
    const { body } = await host('POST', '/v1/messages', { ...message, to: 'Dead' })
    for (let dead = []; dead.length === 0; ) {
      const received = (await host('POST', '/v1/mailboxes/Dead/receive', { max: 1 })).body.deliveries
      if (received[0]) await host('POST', '/v1/mailboxes/Dead/nack', { delivery: received[0].delivery })
      dead = (await host('GET', '/v1/mailboxes/Dead/dead-letters')).body.items
    }
    return { mailbox: 'Dead', message: body.id }
  },
})

const keyRequests = ({ apiKey, user }: Preparations): Requests => ({
  'POST /v1/api-keys': async () => ({ body: { name: 'n', users: [user] } }),
  'POST /v1/links': async () => ({ body: {} }),
  'POST /v1/api-keys/:key/rotate': async () => ({ key: await apiKey() }),
  'DELETE /v1/api-keys/:key': async () => ({ key: await apiKey() }),
})

const requestsOf = (prepared: Preparations): Requests => ({
  ...runRequests(prepared),
  ...dataRequests(prepared),
  ...messageRequests(prepared),
  ...keyRequests(prepared),
})
/** The methods and paths; their names need nothing that is prepared. */
export const auditedWrites: readonly string[] = Object.keys(requestsOf({} as Preparations))

/** Prepares a request for each route that changes something. The troupe has an agent Echo and a team echo. */
export function auditedRequests(owner: Owner) {
  const prepared = preparations(owner)
  return { ...prepared, requests: requestsOf(prepared) }
}
