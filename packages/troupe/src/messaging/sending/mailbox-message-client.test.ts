/** Each method of a message client on both write targets: outside a step, and in one. */
import { afterEach, describe, expect, test } from 'vitest'
import { failure } from '../../core/index.ts'
import { Access, type AccessOptions } from '../../security/index.ts'
import type { MessageClient } from '../message-client.ts'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'

const Note = defineMessage<string>('note')

interface Method {
  readonly right: 'send_message_to_agent' | 'broadcast_message_to_agents'
  readonly call: (client: MessageClient, options: object) => Promise<unknown>
}
const one = { right: 'send_message_to_agent' } as const
const several = { right: 'broadcast_message_to_agents' } as const
const methods: Readonly<Record<string, Method>> = {
  send: { ...one, call: (client, options) => client.send(Note, 'x', { to: 'B', ...options }) },
  broadcast: { ...several, call: (client, options) => client.broadcast(Note, 'x', { to: ['B'], ...options }) },
  publish: { ...several, call: (client, options) => client.publish(Note, 'x', { topic: 'news', ...options }) },
  request: { ...one, call: (client, options) => client.request(Note, 'x', { to: 'B', timeout: '1s', ...options }) },
}
const names = Object.keys(methods)

const testbeds: MessagingTestbed[] = []
afterEach(async () => {
  for (const testbed of testbeds.splice(0)) await testbed.close()
})
const subscribers = {
  news: ['B'],
  get closed(): never {
    throw failure('topic.closed', { agent: 'A', action: 'post to', topics: ['closed'] })
  },
}
async function open(): Promise<MessagingTestbed> {
  const testbed = await openMessagingTestbed({ subscribers })
  testbeds.push(testbed)
  return testbed
}

const codeOf = async (run: () => Promise<unknown>): Promise<string> =>
  run().then(
    () => 'done',
    (error: unknown) => String(error instanceof Error && 'code' in error ? error.code : error),
  )

type Target = (
  testbed: MessagingTestbed,
  access: AccessOptions,
  run: (client: MessageClient) => Promise<unknown>,
) => Promise<string>
const outside: Target = (testbed, access, run) => codeOf(() => run(testbed.agent('A', access).messages))
const inStep: Target = async (testbed, access, run) => {
  let code = ''
  let isOver = false
  const end = testbed
    .step('A', 'step:1', async (_, recorder) => {
      code = await codeOf(() => run(testbed.mailboxes.staged(recorder, new Access(access))))
      return null
    })
    .finally(() => {
      isOver = true
    })
  while (!isOver) await testbed.clock.advance('5ms')
  await end
  return code
}

describe.each([
  ['outside a step', outside],
  ['in a step', inStep],
])('a message client: %s', (_, on) => {
  test.each(names)('%s of a message client is rejected without its right, and that is one incident.', async (name) => {
    const testbed = await open()
    const { right, call } = methods[name] as Method
    expect(await on(testbed, { deny: [right] }, (client) => call(client, {}))).toBe('access.denied')
    const incidents = testbed.events.filter(({ type }) => type === 'incident.recorded')
    expect(incidents).toMatchObject([{ agent: 'A', action: right, code: 'access.denied' }])
    expect(await testbed.agent('B').mailbox.counts()).toMatchObject({ waiting: 0 })
  })

  test.each(names)('%s of a message client rejects an unknown option.', async (name) => {
    const testbed = await open()
    const { call } = methods[name] as Method
    expect(await on(testbed, {}, (client) => call(client, { unknown: 1 }))).toBe('option.unknown')
  })

  test.each(names)('%s of a message client sends nothing when its signal has aborted.', async (name) => {
    const testbed = await open()
    const { call } = methods[name] as Method
    const code = await on(testbed, {}, (client) => call(client, { signal: AbortSignal.abort() }))
    expect(code).toBe('cancelled')
    expect(await testbed.agent('B').mailbox.counts()).toMatchObject({ waiting: 0 })
  })

  test('Calls of a message client that start together send in their order, to one recipient or several.', async () => {
    const testbed = await open()
    const start = (client: MessageClient) => [
      client.send(Note, '1', { to: 'B' }),
      client.broadcast(Note, '2', { to: ['B', 'C'] }),
      client.send(Note, '3', { to: 'B' }),
      client.publish(Note, '4', { topic: 'news' }),
      client.send(Note, '5', { to: 'B' }),
      client.publish(Note, '6', { topic: 'news' }),
      client.broadcast(Note, '7', { to: ['B'] }),
    ]
    expect(await on(testbed, {}, (client) => Promise.all(start(client)))).toBe('done')
    expect(await testbed.agent('B').drain()).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  })

  test.each([[['B']], [[]]])(
    'A broadcast of a value that is no JSON to %j rejects, and delays no other send.',
    async (to) => {
      const testbed = await open()
      const start = async (client: MessageClient) => {
        const broadcast = client.broadcast(Note, Number.NaN as never, { to })
        const [sent, rejected] = await Promise.allSettled([client.send(Note, '1', { to: 'B' }), broadcast])
        expect([sent.status, rejected.status]).toEqual(['fulfilled', 'rejected'])
        await broadcast
      }
      expect(await on(testbed, {}, start)).toBe('json.unsupported')
      expect(await testbed.agent('B').drain()).toEqual(['1'])
    },
  )

  test('A publish of a message client that may not read the topic rejects, and delays no later send.', async () => {
    const testbed = await open()
    const start = async (client: MessageClient) => {
      const [published, sent] = await Promise.allSettled([
        client.publish(Note, '1', { topic: 'closed' }),
        client.send(Note, '2', { to: 'B' }),
      ])
      expect([published.status, sent.status]).toEqual(['rejected', 'fulfilled'])
    }
    expect(await on(testbed, {}, start)).toBe('done')
    expect(await testbed.agent('B').drain()).toEqual(['2'])
  })
})
