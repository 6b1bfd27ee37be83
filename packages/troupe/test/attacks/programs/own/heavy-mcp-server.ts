/** A server of MCP offers tools whose schemas are costly to read. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTroupe, LlmAgent } from '../../../../src/index.ts'
import { defineMcpTools } from '../../../../src/protocols/index.ts'
import { MockModel } from '../../../../src/testing/index.ts'
import { heldMs } from '../../held.ts'
import type { Trial } from '../trial.ts'

const maxHeldMs = 400
const heavyTools = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => {
    const anyOf = Array.from({ length: size }, (_, j) => ({
      type: 'object',
      properties: { [`p${j}`]: { type: 'string', pattern: `^a${i}${j}+$` } },
      required: [`p${j}`],
    }))
    return { name: `look${i}`, description: 'Looks.', inputSchema: { type: 'object', properties: { q: { anyOf } } } }
  })

async function withServer(
  tools: readonly object[],
  work: (url: string, asked: () => number) => Promise<void>,
): Promise<void> {
  let asked = 0
  // Made before, so that the time of this process is the client's.
  const listed = JSON.stringify({ tools })
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, method, params } = JSON.parse(body)
    if (id === undefined) return void response.writeHead(202).end()
    const protocolVersion = params?.protocolVersion ?? '2025-06-18'
    const started = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'heavy', version: '1' } }
    if (method === 'tools/list') asked++
    const result = method === 'initialize' ? JSON.stringify(started) : listed
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, () => asked)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

export const heavyMcpServer: Trial = async ({ check }) => {
  for (const [count, size] of [
    [10, 500],
    [20, 2_000],
    [300, 60],
  ] as const)
    await withServer(heavyTools(count, size), async (url, asked) => {
      const troupe = await createTroupe({
        storage: 'memory:',
        log: 'silent',
        egress: { privateAddresses: ['127.0.0.1'] },
      })
      const tools = [defineMcpTools({ name: 'heavy', server: { url } })]
      const agent = new LlmAgent({ name: 'Reader', model: new MockModel({ responses: ['Done.'] }), tools })
      const held = await heldMs(() =>
        troupe
          .user('ada')
          .session(agent)
          .generate('go')
          .catch(() => undefined),
      )
      await troupe.close()
      check('the client has read the tools', asked() > 0)
      check(`${count} tools of ${size} alternatives`, held < maxHeldMs, `held for ${held.toFixed(0)} ms`)
    })
}
