/** Rows about covering tracks: each write of the API that is carried out leaves a record with the key that did it. */
import type { Attack, AttackAction } from './attack.ts'
import { type AuditedRequest, auditedRequests, auditedWrites } from './audited-requests.ts'
import { send } from './target-user.ts'

/** Arguments with which each tool of the MCP endpoint changes something; RUN waits with QUESTION. */
export const mcpWrites: Readonly<Record<string, object>> = {
  push_context: { key: 'by-mcp', value: 1 },
  delete_context: { key: 'there' },
  subscribe_to_topics: { topics: ['orders'] },
  unsubscribe_from_topics: { topics: ['orders'] },
  delete_topic: { topic: 'orders', confirm: true },
  batch_context_operation: { operations: [{ type: 'push', key: 'batched', value: '1' }] },
  send_message_to_agent: { to_agent: 'Box', message: 'x' },
  broadcast_message_to_agents: { to_agents: ['Box'], message: 'x' },
  run_team: { team: 'Echo', task: 1 },
  answer_run: { run: 'RUN', question: 'QUESTION', value: 'x' },
  cancel_run: { run: 'RUN' },
}
const byMcp = 'MCP '
const writes = [...auditedWrites, ...Object.keys(mcpWrites).map((name) => byMcp + name)]

export const rogueAgents: readonly Attack[] = writes.map(
  (name): Attack => ({
    id: `rogue/${name.replaceAll(/[^\w]+/g, '-')}`,
    family: 'rogue agent',
    source: 'a caller with a key',
    channel: 'write without a trace',
    payload: name,
    goal: 'change something that the audit log does not tell',
    policy: 'default',
    expected: 'blocked',
  }),
)

const mcpHeaders = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
type Prepared = ReturnType<typeof auditedRequests>

async function mcpCall(name: string, { entry, runOf }: Prepared): Promise<AuditedRequest> {
  await entry()
  const { run, result } = await runOf('Asks')
  const text = JSON.stringify(mcpWrites[name])
    .replace('RUN', run.id)
    .replace('QUESTION', result.questions[0]?.id ?? '')
  const params = { name, arguments: JSON.parse(text) }
  return { body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params } }
}

const withoutTrace: AttackAction = async ({ payload }, testbed) => {
  const { troupe, url } = testbed
  const { userId: user } = testbed.newScene()
  const rights = { users: 'all', role: 'admin' } as const
  const host = await troupe.apiKeys.create({ name: 'host', ...rights })
  const headers = { 'troupe-user': user }
  const prepared = auditedRequests({
    troupe,
    user,
    host: async (method, path, body) => {
      const { text } = await send(url, method, path, { key: host.key, body, headers })
      return { body: text === '' ? undefined : JSON.parse(text) }
    },
  })
  const isMcp = payload.startsWith(byMcp)
  const { body, ...ids } = isMcp
    ? await mcpCall(payload.slice(byMcp.length), prepared)
    : ((await prepared.requests[payload]?.()) ?? {})
  const [method = '', path = ''] = isMcp ? ['POST', '/mcp'] : payload.split(' ')
  const address = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(ids[name])))
  // Only a key of the user itself has a mailbox to read over MCP.
  const { id, key } = await troupe.apiKeys.create({ name: 'rogue', ...rights, ...(isMcp ? { users: [user] } : {}) })
  const { status, text } = await send(url, method, address, { key, body, headers: { ...mcpHeaders, ...headers } })
  await troupe.audit.flush()
  const { items } = await troupe.audit.list({ limit: 1_000 })
  const record = items.find((one) => one.key === id && one.allowed && !one.operation.startsWith('read.'))
  const done = status < 300 && !text.includes('"isError":true')
  if (!done) throw new Error(`the write was not carried out: ${status} ${text.slice(0, 300)}`)
  return {
    succeeded: record === undefined,
    asked: false,
    reached: true,
    detail: `${status} ${record?.operation ?? 'no record'}`,
  }
}
export const rogueAgentsActions: Readonly<Record<string, AttackAction>> = { 'write without a trace': withoutTrace }
