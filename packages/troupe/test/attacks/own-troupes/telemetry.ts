/** What goes to a collector of OTLP, and trace headers that a caller makes up. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { createTroupe, defineAgent } from '../../../src/index.ts'
import { serve } from '../../../src/server/index.ts'
import { createFinder } from '../canaries/find-canaries.ts'
import { contents, plantCanaries, secretNames, secrets } from '../canaries/plant-canaries.ts'
import { send } from '../target-user.ts'
import { codeOf, expectHarmless, type OwnStorage, ownRows } from './own-storage.ts'

/** All that a collector is sent while canaries are planted. */
async function exported(own: OwnStorage): Promise<Buffer> {
  const bodies: Buffer[] = []
  const collector = createServer(async (request, response) => {
    const parts: Buffer[] = [Buffer.from(`${request.url} ${JSON.stringify(request.headers)}\n`)]
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
    response.end('{}')
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const troupe = await createTroupe({
    storage: own.storage,
    log: 'silent',
    otlp: { url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` },
    secrets: [
      {
        get: (name: string) =>
          secretNames.includes(name) ? { value: secrets[secretNames.indexOf(name)] as string } : undefined,
      },
    ] as never,
  })
  await plantCanaries(troupe, 'ada')
  await troupe.close()
  collector.closeAllConnections()
  await new Promise((resolve) => collector.close(resolve))
  const all = Buffer.concat(bodies)
  expectHarmless(all.includes('resourceSpans') && all.includes('Worker'), 'the collector was sent no spans of the run')
  return all
}
const found = (texts: readonly string[]) => async (own: OwnStorage) => {
  const [first] = createFinder(texts)(await exported(own))
  return first && `${first.canary} as ${first.encoding}`
}

const hostileHeaders: Readonly<Record<string, string>> = {
  'of zeros': `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
  'with SQL': `00-'; drop table runs; --${'a'.repeat(10)}-${'b'.repeat(16)}-01`,
  'too long': `00-${'a'.repeat(60_000)}-${'b'.repeat(16)}-01`,
  'with a line break': `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01\r\nset-cookie: a=b`,
  'of another version': `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
}

export const telemetry = ownRows(
  'telemetry',
  { family: 'disclosure', source: 'a collector or a caller', goal: 'read content, or write into the traces of others' },
  {
    'secrets in what a collector gets': found(secrets),
    'texts of users in what a collector gets': found(contents),
    ...Object.fromEntries(
      Object.entries(hostileHeaders).map(([name, traceparent]) => [
        `a trace header ${name}`,
        async (own: OwnStorage) => {
          const troupe = await createTroupe({ storage: own.storage, log: 'silent' })
          const { traces } = troupe.user('ada')
          const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
          await traces.span('honest', () => 1, { traceparent: good })
          const code = await codeOf(() => traces.span('hostile', () => 1, { traceparent }))
          await troupe.close()
          return code === undefined ? 'was taken' : undefined
        },
      ]),
    ),
    'a trace header of another user over HTTP': async (own) => {
      const echo = defineAgent({ name: 'Echo', run: async (input) => input as never })
      const troupe = await createTroupe({ storage: own.storage, log: 'silent', agents: [echo] })
      const site = await serve(troupe, { port: 0, authentication: 'required', rateLimit: false })
      const topology = { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] }
      const run = await troupe.user('ada').orchestra.start({ task: 'TRACE-OF-ADA', topology })
      await run.result()
      const [trace] = await troupe.user('ada').traces.list()
      expectHarmless(trace !== undefined, 'ada has no trace')
      const { key } = await troupe.apiKeys.create({ name: 'eve', users: ['eve'], role: 'admin' })
      const headers = { traceparent: `00-${JSON.stringify(trace).match(/[0-9a-f]{32}/)?.[0]}-${'b'.repeat(16)}-01` }
      const { status } = await send(site.url, 'POST', '/v1/runs', { key, headers, body: { agent: 'Echo', task: 1 } })
      expectHarmless(status === 201, `eve could not start a run: ${status}`)
      const after = await troupe.user('ada').traces.list()
      const others = JSON.stringify(await troupe.user('eve').traces.list())
      await site.close()
      await troupe.close()
      return after.length !== 1 || others.includes('TRACE-OF-ADA') ? 'the traces of two users are one' : undefined
    },
  },
)
