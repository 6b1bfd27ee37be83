/** MCP over standard input and output: the official client starts a real process of ours. */
import { fileURLToPath } from 'node:url'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterEach, describe, expect, test } from 'vitest'
import { serveMcp } from '../../src/protocols/index.ts'
import { createTroupe } from '../../src/startup/index.ts'
import { modern, newClient, structured } from './clients.ts'

const clients: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})
const program = fileURLToPath(new URL('./stdio-server.ts', import.meta.url))

const start = async (options: Parameters<typeof newClient>[0]) => {
  const client = newClient(options)
  clients.push(client)
  const transport = new StdioClientTransport({ command: process.execPath, args: [program], stderr: 'inherit' })
  await client.connect(transport)
  return client
}

describe('MCP over standard input and output', () => {
  test.each([
    ['of 2026', modern],
    ['of 2025', {}],
  ])(
    'An MCP client of the protocol %s works as its agent over stdio, and is notified of changes.',
    async (_, options) => {
      const client = await start(options)
      const { tools } = await client.listTools()
      const names = tools.map(({ name }) => name)
      expect(names).toContain('run_team')
      expect(names).not.toContain('broadcast_message_to_agents')
      const updated = new Promise<string>((resolve) =>
        client.setNotificationHandler('notifications/resources/updated', ({ params }) => resolve(params.uri)),
      )
      const uri = 'troupe://context/plan'
      if (options === modern) await client.listen({ resourceSubscriptions: [uri] })
      else await client.subscribeResource({ uri })
      await client.callTool({ name: 'push_context', arguments: { key: 'plan', value: 'x' } })
      expect(await updated).toBe(uri)
      const listed = await client.callTool({ name: 'list_context_keys', arguments: { pattern: 'pl*n' } })
      expect(structured(listed)).toMatchObject({ keys: ['plan'] })
      const run = await client.callTool({ name: 'run_team', arguments: { task: 7 } })
      expect(structured(run)).toMatchObject({ status: 'completed', response: { received: 7 } })
    },
  )

  test('serveMcp rejects unknown options and roles.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    await expect(serveMcp(troupe, { user: 'ada', agent: 'Desk', rol: 'admin' } as never)).rejects.toThrow(
      'no option rol',
    )
    await expect(serveMcp(troupe, { user: 'ada', agent: 'Desk', role: 'king' })).rejects.toMatchObject({
      code: 'role.unknown',
    })
  })
})
