/** A client of MCP with the key of one agent reads runs of another, reaches files by resources, and goes beyond its key. */
import { defineAgent, finish } from '../../../../src/index.ts'
import type { Trial } from '../trial.ts'
import { askingClerk } from './asking-clerk.ts'
import { type Caller, serveAgents } from './serve-agents.ts'

const canary = 'CONTENT-OF-AGENT-A'
const headers = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
const post = ({ request }: Caller, method: string, params: object) =>
  request('POST', '/mcp', { jsonrpc: '2.0', id: 1, method, params }, headers)
const callTool = (caller: Caller, name: string, args: object) => post(caller, 'tools/call', { name, arguments: args })
const uris = [
  'troupe://runs/secret',
  'troupe://context/private',
  'troupe://runs/..%2f..%2fetc',
  'file:///etc/passwd',
  'troupe://runs/secret/../secret',
]

export const mcpOfAnotherAgent: Trial = async ({ storage, check }) => {
  const { clerk, team } = askingClerk()
  const a = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.context.get('private')) })
  const config = { storage: storage(), agents: [a, clerk], teams: { clerk: team } }
  await serveAgents(config, async ({ troupe, caller }) => {
    const ada = troupe.user('ada')
    await ada.context.push('private', canary, { subscribers: ['A'] } as never)
    const run = await ada.orchestra.start({ id: 'secret', task: canary, agent: 'A' })
    check('agent A reads its own', JSON.stringify(await run.result()).includes(canary))
    const b = await caller({ agent: 'B', role: 'contributor' })
    const answers = [
      await callTool(b, 'get_run', { run: 'secret' }),
      await callTool(b, 'get_context', { key: 'private' }),
      await post(b, 'resources/list', {}),
    ]
    for (const uri of uris) answers.push(await post(b, 'resources/read', { uri }))
    for (const { status, text } of answers)
      check('nothing of agent A or of files', !/CONTENT-OF-AGENT-A|root:x:0/.test(text), `${status} ${text}`)
    const narrow = await caller({ agent: 'B', role: 'contributor', operations: ['runs.start'] } as never)
    const { text } = await post(narrow, 'tools/list', {})
    check('a key of runs.start is offered run_team', text.includes('"run_team"'), text.slice(0, 200))
    check('a key of runs.start is not offered push_context', !text.includes('"push_context"'), text.slice(0, 200))
    await callTool(narrow, 'push_context', { key: 'pushed', value: 'x' })
    check('a key of runs.start pushes nothing', (await ada.context.get('pushed')) === undefined)
  })
}
