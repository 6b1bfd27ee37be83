/** The places that a configuration names: reached each by itself, whatever the names lead to. */

import { generateKeyPairSync } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock, type TroupeError } from '../../core/index.ts'
import { createTroupe, LlmAgent, type Troupe } from '../../index.ts'
import { type EgressClient, openEgressClient } from './open-egress-client.ts'

const open: { close(): Promise<unknown> | unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})
async function listening(answer: RequestListener = (_, response) => void response.end('ok')) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close() {
      server.closeAllConnections()
      server.close()
    },
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, port, seen }
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'went out',
    (error: TroupeError) => error.code ?? error.message,
  )
function openTestClient(
  parts: Partial<Parameters<typeof openEgressClient>[1]> = {},
  options?: Parameters<typeof openEgressClient>[0],
): EgressClient {
  const made = openEgressClient(options, { clock: systemClock, production: false, ...parts })
  open.push(made)
  return made
}
const recorded = async (troupe: Troupe) => {
  await troupe.audit.flush()
  const { items } = await troupe.audit.incidents()
  return items.filter(({ operation }) => operation === 'egress').map(({ resource }) => resource)
}

describe('a configured address', () => {
  it('A configured address is reached in a private network, and other addresses are denied.', async () => {
    const { port } = await listening()
    const to = openTestClient({ lookup: async () => ['127.0.0.1'] }).fetchTo(`http://collector:${port}/v1`)
    expect((await to(`http://collector:${port}/v1/traces`)).status).toBe(200)
    for (const url of [`http://collector:${port + 1}/`, `http://other:${port}/`, `http://127.0.0.1:${port}/`])
      expect(await codeOf(to(url)), url).toBe('egress.denied')
  })

  it.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    'fd00:ec2::254',
    '168.63.129.16',
    'fe80::1',
    '169.254.1.1',
    '0.0.0.0',
    '224.0.0.1',
  ])('A configured address is not reached if its name resolves to %s.', async (address) => {
    const rejected: string[] = []
    const { fetchTo } = openTestClient({ lookup: async () => [address], rejected: ({ code }) => rejected.push(code) })
    expect(await codeOf(fetchTo('http://hook.example.com/')('http://hook.example.com/'))).toBe('egress.denied')
    expect(rejected).toEqual(['egress.denied'])
  })

  it('A configured address is not reached if its name resolves differently the second time.', async () => {
    const { port } = await listening((_, response) => void response.writeHead(200, { connection: 'close' }).end('ok'))
    let asked = 0
    const lookup = async () => (++asked === 1 ? ['127.0.0.1'] : ['169.254.169.254'])
    const to = openTestClient({ lookup }).fetchTo(`http://hook.example.com:${port}/`)
    expect((await to(`http://hook.example.com:${port}/`)).status).toBe(200)
    expect(await codeOf(to(`http://hook.example.com:${port}/`))).toBe('egress.denied')
  })

  it('A configured address is reached at a metadata address if it is named by it.', async () => {
    const to = openTestClient().fetchTo('http://169.254.169.254/')
    // Whatever becomes of the connection, it is not refused here.
    const stop = AbortSignal.timeout(100)
    expect(await codeOf(to('http://169.254.169.254/', { signal: stop }))).not.toBe('egress.denied')
  })
})

it('A server for agents is reached if the list of tools allows it, and in production only then.', async () => {
  const { url, port } = await listening()
  const requestOutcome = (made: EgressClient) => codeOf(made.fetchFor(url)(url))
  expect(await requestOutcome(openTestClient())).toBe('went out')
  expect(await requestOutcome(openTestClient({}, { allow: [`127.0.0.1:${port}`] }))).toBe('went out')
  expect(await requestOutcome(openTestClient({}, { allow: [] }))).toBe('egress.denied')
  expect(await requestOutcome(openTestClient({ production: true }))).toBe('egress.denied')
  expect(await requestOutcome(openTestClient({ production: true }, { allow: [`127.0.0.1:${port}`] }))).toBe('went out')
})

describe("redirects of the troupe's own requests", () => {
  const inside = 'http://169.254.169.254/latest/meta-data/'
  const redirecting = () => listening((_, response) => void response.writeHead(307, { location: inside }).end())

  it('An alert follows no redirect to another host, and the redirect is recorded.', async () => {
    const { url, seen } = await redirecting()
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      alerts: {
        rules: [{ name: 'busy', metric: 'load', own: true, statistic: 'value', above: 1 }],
        every: '1s',
        to: [{ webhook: { url } }],
      },
    })
    troupe.metrics.gauge('load', () => 5)
    await expect.poll(() => seen.length).toBeGreaterThan(0)
    await expect.poll(() => recorded(troupe)).toContain('169.254.169.254')
  })

  it('A checkpoint of the audit log follows no redirect to another host, and the redirect is recorded.', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const { url, seen } = await redirecting()
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      audit: { checkpoints: { key: { id: 'one', privateKey }, to: url } },
    })
    await troupe.user('ada').context.push('a', 1)
    await expect(troupe.audit.checkpoint()).rejects.toMatchObject({ code: 'egress.denied' })
    expect(seen).toHaveLength(1)
    expect((await recorded(troupe)).length).toBeGreaterThan(0)
  })

  it('A model call follows no redirect to another host, and the redirect is recorded.', async () => {
    const { url } = await redirecting()
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', models: { attempts: 1 } })
    const agent = new LlmAgent({ name: 'A', model: { url, model: 'm' } })
    await expect(troupe.user('ada').session(agent).chat('hi')).rejects.toThrow()
    expect(await recorded(troupe)).toContain('169.254.169.254')
  })
})
