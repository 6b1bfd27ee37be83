import type { JSONRPCMessage, Transport, TransportSendOptions } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { boundMessages, countValues } from './bound-messages.ts'

const arrayOf = (length: number, make: (i: number) => unknown) => Array.from({ length }, (_, i) => make(i))
const properties = (length: number, make: (i: number) => unknown) =>
  Object.fromEntries(Array.from({ length }, (_, i) => [`p${i}`, make(i)]))
const nested = (levels: number) => {
  let schema: object = { type: 'string' }
  for (let i = 0; i < levels; i++) schema = { type: 'object', properties: { p: schema } }
  return schema
}
const definitions = (length: number) => ({
  $ref: '#/$defs/p0',
  $defs: properties(length, (i) => ({ anyOf: [{ $ref: `#/$defs/p${i + 1}` }, { $ref: `#/$defs/p${i + 1}` }] })),
})

/** One row for each way to make a schema expensive, with a schema of the same kind that servers have. */
const schemas: readonly (readonly [string, object, object])[] = [
  [
    'alternatives',
    { anyOf: arrayOf(2_000, () => ({ type: 'string' })) },
    { anyOf: arrayOf(100_000, () => ({ type: 'string' })) },
  ],
  ['properties', { properties: properties(1_000, () => ({})) }, { properties: properties(100_000, () => ({})) }],
  ['options of one enumeration', { enum: arrayOf(5_000, String) }, { enum: arrayOf(1_000_000, String) }],
  ['levels', nested(20), nested(100_000)],
  ['references that double at each level', definitions(1_000), definitions(50_000)],
  [
    'patterns',
    { properties: properties(1_000, () => ({ pattern: '^(a+)+$' })) },
    { anyOf: arrayOf(50_000, () => ({ pattern: '^(a+)+$' })) },
  ],
  [
    'required names',
    { required: arrayOf(1_000, String) },
    { allOf: arrayOf(10_000, () => ({ required: ['a', 'b'] })) },
  ],
]
const listOf = (id: number, inputSchema: object) =>
  ({ jsonrpc: '2.0', id, result: { tools: [{ name: 'look', inputSchema }] } }) as unknown as JSONRPCMessage

/** Returns a bounded transport, and what it delivers. */
function bounded() {
  const delivered: JSONRPCMessage[] = []
  const transport = {
    send: async () => {},
    onmessage: (message: JSONRPCMessage) => delivered.push(message),
  } as unknown as Transport
  boundMessages(transport)
  return { transport, delivered }
}

test.each(schemas)(
  'A list of tools with too many %s is replaced by an error, and a usual one is delivered.',
  (_, usual, heavy) => {
    const { transport, delivered } = bounded()
    transport.onmessage?.(listOf(1, usual))
    transport.onmessage?.(listOf(2, heavy))
    expect(delivered).toEqual([listOf(1, usual), { jsonrpc: '2.0', id: 2, error: expect.anything() }])
    expect(JSON.stringify(delivered[1])).toContain('more than 30000 values')
  },
)

test('A count of values looks at no more values than its limit, however large the message is.', () => {
  let looked = 0
  const counted = new Proxy(
    arrayOf(100_000, () => ({})),
    {
      get: (list, name) => {
        looked++
        return Reflect.get(list, name)
      },
    },
  )
  expect(countValues({ result: counted }, 1_000)).toBeGreaterThan(1_000)
  expect(looked).toBeLessThanOrEqual(1_001)
})

test('A notification with too many values is dropped.', () => {
  const { transport, delivered } = bounded()
  transport.onmessage?.({
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { data: arrayOf(50_000, String) },
  } as never)
  expect(delivered).toEqual([])
})

test('The pages of one list of tools share a limit, and the next list begins with all of it.', () => {
  const { transport, delivered } = bounded()
  const page = { anyOf: arrayOf(10_000, () => ({})) }
  const ask = (id: number, params: object) =>
    transport.send({ jsonrpc: '2.0', id, method: 'tools/list', params } as JSONRPCMessage)
  for (const [id, params] of [{}, { cursor: '1' }, { cursor: '2' }, {}].entries()) {
    void ask(id, params)
    transport.onmessage?.(listOf(id, page))
  }
  expect(delivered.map((message) => 'error' in message)).toEqual([false, false, true, false])
})

test('A request whose stream ends without its answer fails, and an answered one does not.', async () => {
  const ends: (() => void)[] = []
  const transport = {
    send: async (_: JSONRPCMessage, options?: TransportSendOptions) =>
      ends.push(options?.onRequestStreamEnd ?? (() => {})),
    onmessage: () => {},
  } as unknown as Transport
  boundMessages(transport)
  const failed: number[] = []
  const ask = (id: number) =>
    void transport.send({ jsonrpc: '2.0', id, method: 'tools/call' }).catch(() => failed.push(id))
  for (const id of [1, 2]) ask(id)
  transport.onmessage?.({ jsonrpc: '2.0', id: 1, result: {} })
  for (const end of ends) end()
  await new Promise(setImmediate)
  expect(failed).toEqual([2])
})

test('A part of a result whose type a later protocol has added is replaced by a text, and the others are delivered.', () => {
  const { transport, delivered } = bounded()
  const text = { type: 'text', text: 'a' }
  const receive = (content: unknown) =>
    transport.onmessage?.({ jsonrpc: '2.0', id: 1, result: { content } } as JSONRPCMessage)
  const invalid = [null, 'text', { type: 7 }]
  receive([text, { type: 'hologram', data: 'x' }])
  receive(invalid)
  expect(delivered).toMatchObject([
    { result: { content: [text, { type: 'text', text: '[omitted: a part of the unknown type "hologram"]' }] } },
    { result: { content: invalid } },
  ])
})
