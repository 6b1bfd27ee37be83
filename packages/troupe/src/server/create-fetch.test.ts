import { afterAll, expect, it } from 'vitest'
import { createFetch } from './create-fetch.ts'
import { echo, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterAll(() => servers.close())
const headers = { 'troupe-user': 'ada', 'content-type': 'application/json' }
const openFetch = async () => createFetch((await servers.start({ agents: [echo] })).app)

it('createFetch reads no more of a body than the app accepts.', async () => {
  const fetch = await openFetch()
  const canceled = Promise.withResolvers<void>()
  let pulled = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++
      if (pulled > 400) controller.close()
      else controller.enqueue(new Uint8Array(65_536).fill(32))
    },
    cancel: () => canceled.resolve(),
  })
  const answer = await fetch('/v1/runs', { method: 'POST', headers, body, duplex: 'half' })
  expect(answer.status).toBe(413)
  await canceled.promise
  expect(pulled).toBeLessThan(100)
})

it('createFetch answers or rejects when a body fails before its end.', async () => {
  const fetch = await openFetch()
  const failing = (chunks: readonly string[]) =>
    ReadableStream.from(
      (async function* () {
        for (const chunk of chunks) yield new TextEncoder().encode(chunk)
        throw new Error('the connection was closed')
      })(),
    )
  for (const chunks of [[], ['{"agent":'], ['{"agent":', '"Echo"']]) {
    const answer = fetch('/v1/runs', { method: 'POST', headers, body: failing(chunks), duplex: 'half' })
    const ended = await answer.then(
      ({ status }) => status >= 400,
      (error: unknown) => error instanceof Error,
    )
    expect(ended).toBe(true)
  }
  expect((await fetch('/v1/agents', { headers })).status).toBe(200)
})
