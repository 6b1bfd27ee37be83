import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serverEvents } from './server-events.ts'

async function read(chunks: readonly Uint8Array[]) {
  async function* body() {
    yield* chunks
  }
  const found: unknown[] = []
  for await (const one of serverEvents(body())) found.push(one)
  return found
}
const bytes = (text: string) => new TextEncoder().encode(text)

it('The parser of server-sent events reads ids, names and data, and ignores other lines.', async () => {
  const text =
    ': alive\n\nid: 7\nevent: run.started\ndata: {"a":\ndata: "é"}\n\nretry: 5\n\ndata:1\r\n\r\nid: 9\rdata: 2\r\r'
  expect(await read([bytes(`${text}\n`)])).toEqual([
    { id: '7', event: 'run.started', data: { a: 'é' } },
    { id: undefined, event: 'message', data: 1 },
    { id: '9', event: 'message', data: 2 },
  ])
})

it('The parser of server-sent events reads the same events wherever chunks are cut, and ignores an incomplete event.', async () => {
  const text = 'id: 1\r\nevent: a\r\ndata: "é😀"\r\n\r\nid: 2\ndata: {"b":[1,2]}\n\nid: 3\ndata: "half'
  const complete = bytes(text)
  const found = await read([complete])
  expect(found).toHaveLength(2)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(complete.length), { maxLength: 12 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), complete.length]
      expect(await read(at.slice(1).map((to, i) => complete.subarray(at[i], to)))).toEqual(found)
    }),
    { numRuns: 200 },
  )
})
