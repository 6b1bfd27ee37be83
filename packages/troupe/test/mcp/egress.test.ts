/** A server of MCP is reached by the way out of tools: its list, its addresses, its redirects. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { TroupeConfig } from '../../src/configuration/index.ts'
import { mcpTools } from '../../src/protocols/index.ts'
import { serve } from '../../src/server/index.ts'
import { createTroupe } from '../../src/startup/index.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const begin = async (egress?: TroupeConfig['egress']) => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...(egress ? { egress } : {}) })
  open.push(troupe)
  return troupe
}
const key = 'k'.repeat(40)
const headers = { authorization: `Bearer ${key}` }
/** A server of ours, as somebody else's. */
async function offering(): Promise<string> {
  const server = await serve(await begin(), { port: 0, key, rateLimit: false })
  open.push(server)
  return new URL('/mcp', server.url).href
}
/** Says what reached it. */
async function listening(answer: RequestListener) {
  const seen: { readonly url: string; readonly authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, seen }
}

test('An MCP server that egress does not allow is not connected to, and the denial is recorded.', async () => {
  const { url, seen } = await listening((_, response) => void response.end())
  const troupe = await begin({ allow: ['api.example.com'] })
  await expect(mcpTools(troupe, { name: 'other', server: { url, headers } })).rejects.toMatchObject({
    name: 'AccessDeniedError',
    code: 'egress.denied',
  })
  expect(seen).toEqual([])
  await troupe.audit.flush()
  const { items } = await troupe.audit.incidents()
  expect(items[0]).toMatchObject({ actor: 'troupe', operation: 'egress', reason: 'egress.denied' })
  expect(items[0]?.resource).toBe(new URL(url).host)
})

test('An MCP server is reached if egress allows it, or without a list if it is named.', async () => {
  const url = await offering()
  for (const egress of [undefined, { allow: [new URL(url).host] }]) {
    const troupe = await begin(egress)
    const { tools } = await mcpTools(troupe, { name: 'other', server: { url, headers } })
    expect(tools.length).toBeGreaterThan(0)
  }
})

test.each([
  ['another server', undefined],
  ["the cloud's service to its machines", 'http://169.254.169.254/latest/meta-data/'],
  ['the same in IPv6', 'http://[::ffff:169.254.169.254]/latest/meta-data/'],
])('An MCP server that redirects to %s is not followed, and its key is sent nowhere.', async (_, redirectTarget) => {
  const other = await listening((_, response) => void response.end('{}'))
  const location = redirectTarget ?? other.url
  const { url, seen } = await listening((_, response) => void response.writeHead(307, { location }).end())
  const troupe = await begin()
  await expect(mcpTools(troupe, { name: 'other', server: { url, headers } })).rejects.toMatchObject({
    code: 'mcp.unreachable',
  })
  expect(seen.length).toBeGreaterThan(0)
  expect(other.seen).toEqual([])
})
