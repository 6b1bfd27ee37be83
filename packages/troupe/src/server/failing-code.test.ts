/**
 * Wherever code of the application fails, the log has one line at level error with ids and stack, callers get an id, and
 * the text reaches operators alone.
 */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { createVirtualClock, MockModel } from '../testing/index.ts'
import {
  boom,
  type FailingCode,
  failingCode,
  model,
  run,
  started,
  type Testbed,
  text,
  tool,
} from './failing-code.test.fixture.ts'
import { routes } from './routes.ts'
import { caller, type Served, Servers, until } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

/** Every route that reads of runs, and what reads all that is of the user. */
const readingPaths = routes
  .filter(({ method, path }) => method === 'GET' && /^\/(v1\/runs|result|status)/.test(path))
  .map(({ path }) =>
    path
      .replace(/:(run|other)/, 'r')
      .replace(':other', 'r')
      .replace(':step', '1%231')
      .replace(':seq', '99'),
  )
  .concat('/v1/runs/r/export?redact=nothing', '/v1/approvals', '/v1/usage', '/v1/mailboxes/Stock/dead-letters')

async function readAll(call: Served['call']): Promise<string> {
  const answers = await Promise.all(readingPaths.map((path) => call('GET', path)))
  return [...answers, await call('POST', '/v1/runs/r/verify-replay', {})].map((answer) => answer.text).join('\n')
}

async function readOverMcp(call: Served['call']): Promise<string> {
  const clientInfo = { name: 'c', version: '1' }
  const requests = [
    { method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } },
    { method: 'tools/call', params: { name: 'get_run', arguments: { run: 'r' } } },
    { method: 'resources/read', params: { uri: 'troupe://runs/r' } },
    { method: 'tools/call', params: { name: 'run_team', arguments: { task: {}, id: 'over-mcp' } } },
  ]
  const texts: string[] = []
  for (const [id, request] of requests.entries())
    texts.push((await call('POST', '/mcp', { jsonrpc: '2.0', id, ...request })).text)
  return texts.join('\n')
}

async function open(failing: FailingCode) {
  const lines: string[] = []
  const clock = createVirtualClock()
  const log = { format: 'json' as const, destination: { write: (line: string) => void lines.push(line) } }
  const config = { log, ...(failing.usesClock ? { clock } : {}), ...failing.config }
  const server = await servers.start(config, { key: 'k'.repeat(32) })
  const { apiKeys } = server.troupe
  const grants = {
    tenant: { name: 'tenant', users: ['ada'], role: 'admin' },
    monitor: { name: 'monitor', users: 'all', role: 'admin', operations: ['metrics.read'] },
    operator: { name: 'operator', users: 'all', role: 'admin' },
  } as const
  const seen: string[] = []
  const callAs = async (name: keyof typeof grants): Promise<Served['call']> => {
    const { key } = await apiKeys.create(grants[name] as never)
    const accept = 'application/json, text/event-stream'
    const headers = {
      'x-api-key': key,
      'troupe-user': 'ada',
      'troupe-error-texts': 'show',
      'sec-fetch-site': 'same-origin',
      accept,
    }
    const call = caller(server.url, headers)
    return async (method, path, body) => {
      const answer = await call(method, path, body)
      if (name !== 'operator') seen.push(answer.text)
      return answer
    }
  }
  const testbed: Testbed = { ...server, clock, tenant: await callAs('tenant'), monitor: await callAs('monitor') }
  return { testbed, seen, operator: await callAs('operator'), errors: () => lines.map((line) => JSON.parse(line)) }
}

it.each(Object.keys(failingCode))(
  'A failure in %s writes a log line, and callers get an error id.',
  { timeout: 30_000 },
  async (name) => {
    const failing = failingCode[name] as FailingCode
    const { testbed, seen, operator, errors } = await open(failing)
    await failing.fails(testbed)
    const isLine = ({ msg, err }: { msg: string; err?: { stack: string } }) =>
      msg === failing.line && err?.stack.includes(text) && err.stack.includes('failing-code.test.')
    await until(`the line "${failing.line}"`, () => errors().some(isLine))
    const found = errors().filter(isLine)
    expect(found[0]).toMatchObject({ level: 50, code: expect.any(String), ...failing.fields })
    const { errorId } = found[0]
    expect(errorId).toMatch(/^err_[0-9a-f]{16}$/)
    await readAll(testbed.tenant)
    await readOverMcp(testbed.tenant)
    expect(seen.join('\n')).not.toContain('svc_admin')
    // An agent and its run fail, and share the id of the failure; each of them writes a single line.
    const failed = errors().map(({ level, msg, runId, stepId, tool: name, id, failures, time }) =>
      level < 50 ? [] : JSON.stringify([msg, runId, stepId, name, id, failures, ...(failing.usesClock ? [time] : [])]),
    )
    expect(failed.flat()).toEqual([...new Set(failed.flat())])
    if (!failing.answered) return
    expect(seen.join('\n')).toContain(errorId)
    if (failing.fails !== started) return
    const runs = await operator('GET', `/v1/runs?search=${errorId}`)
    expect(runs.body.items.map(({ id }: { id: string }) => id)).toContain('r')
    expect(await readAll(operator)).toContain(text)
  },
)

it('In the profile production a caller gets the id of a failure, and an operator its text.', async () => {
  const failing = failingCode['an agent'] as FailingCode
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-failing-code-'))
  const storage = `sqlite:${join(folder.path, 'troupe.db')}`
  const encryption = { keys: [{ id: 'test', key: new Uint8Array(32) }] }
  const { testbed, seen, operator, errors } = await open({
    ...failing,
    config: { ...failing.config, profile: 'production', storage, encryption },
  })
  await failing.fails(testbed)
  await readAll(testbed.tenant)
  await readOverMcp(testbed.tenant)
  expect(seen.join('\n')).toContain(errors().find(({ msg }) => msg === failing.line)?.errorId)
  expect(seen.join('\n')).not.toContain('svc_admin')
  expect(await readAll(operator)).toContain(text)
  await servers.close()
})

it('The live stream of a run shows no text of a tool that fails.', async () => {
  const followed = Promise.withResolvers<void>()
  const responses = [{ toolCalls: [{ name: 'wait' }] }, { toolCalls: [{ name: 'lookup' }] }, 'so be it']
  const tools = [tool({ name: 'wait', execute: () => followed.promise }), tool()]
  const agent = model({ model: new MockModel({ responses }), tools })
  const { testbed } = await open(run(agent))
  await testbed.tenant('POST', '/v1/runs', { team: 'team', task: {}, id: 'r' })
  const live = testbed.tenant('GET', '/v1/runs/r/live')
  await new Promise((resolve) => setTimeout(resolve, 200))
  followed.resolve()
  const { text: parts } = await live
  expect(parts).toContain('"tool":"lookup","success":false')
  expect(parts).not.toContain('svc_admin')
})

it.each([
  ['a tool that fails', { execute: boom }],
  ['a tool whose schema fails', { inputSchema: z.object({}).refine(boom) }],
])('The thread of %s has an error id for callers, and the text for operators and the model.', async (_, options) => {
  const call = { toolCalls: [{ name: 'lookup' }] }
  const readByModel: string[] = []
  const responses = [
    call,
    ({ prompt }: { prompt: unknown }) => {
      readByModel.push(JSON.stringify(prompt))
      return 'so be it'
    },
  ]
  const agent = model({ model: new MockModel({ responses }), tools: [tool(options)] })
  const { testbed, seen, operator, errors } = await open({ ...run(agent), config: { agents: [agent] } })
  await testbed.tenant('POST', '/v1/runs', { agent: 'A', task: 'Look it up.', id: 'r', threadId: 't' })
  await testbed.tenant('GET', '/v1/runs/r/result?wait=20s')
  const { body } = await testbed.tenant('GET', '/v1/threads/t')
  const { errorId } = errors().find(({ msg }) => msg === 'a tool failed')
  expect(body.messages.find(({ role }: { role: string }) => role === 'tool').content[0]).toMatchObject({
    type: 'tool-result',
    result: { error: expect.stringContaining(errorId), errorId },
  })
  await readAll(testbed.tenant)
  await testbed.tenant('GET', '/v1/threads')
  expect(seen.join('\n')).not.toContain('svc_admin')
  expect(readByModel.join()).toContain(text)
  expect(readByModel.join()).not.toContain(errorId)
  expect((await operator('GET', '/v1/threads/t')).text).toContain(text)
})
