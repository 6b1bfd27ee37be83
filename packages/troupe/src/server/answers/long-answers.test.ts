import { afterAll, describe, expect, it } from 'vitest'
import { countMacrotasks } from '../../core/time/count-macrotasks.test.fixture.ts'
import { echo, Servers } from '../server-testbed.test.fixture.ts'

/** A comparison of so many rows one by one takes longer than to make them. */
const isSame = (value: unknown, other: unknown) => JSON.stringify(value) === JSON.stringify(other)
const rows = (length: number) => Array.from({ length }, (_, id) => ({ id, name: `row ${id} of a table` }))

type Call = Awaited<ReturnType<Servers['start']>>['call']
async function askOverMcp(call: Call, method: string, params: object) {
  const accept = { accept: 'application/json, text/event-stream' }
  const { text } = await call('POST', '/mcp', { jsonrpc: '2.0', id: 1, method, params }, accept)
  const data = text.split('\n').find((line: string) => line.startsWith('data: '))
  return JSON.parse(data?.slice('data: '.length) ?? text)
}

describe('long answers over HTTP', () => {
  const servers = new Servers()
  afterAll(() => servers.close())

  it('A long list over HTTP is complete, and its cursor leads to the next page.', async () => {
    const { troupe, call } = await servers.start({})
    const { context } = troupe.user('default')
    for (const name of ['a', 'b', 'c', 'd']) await context.push(name, rows(4_000))
    const first = await call('GET', '/v1/context/entries?limit=3')
    const next = await call('GET', `/v1/context/entries?limit=3&cursor=${encodeURIComponent(first.body.cursor)}`)
    const listed = await context.list()
    expect(first.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(isSame([...first.body.items, ...next.body.items], listed.items)).toBe(true)
    expect(next.body.cursor).toBe(undefined)
  })

  it('A long page with a total is answered with it.', async () => {
    const { troupe, call } = await servers.start({ agents: [echo] })
    const { orchestra } = troupe.user('default')
    for (let n = 0; n < 400; n++) await orchestra.run({ agent: 'Echo', task: `task ${n} ${'x'.repeat(100)}` })
    const { status, text, body } = await call('GET', '/v1/usage?limit=500')
    expect(status).toBe(200)
    expect(text.length).toBeGreaterThan(65_536)
    expect(body.items).toHaveLength(400)
    expect(body.total.cost).toEqual({ usd: 0, unknown: [] })
  })

  it('A long result of a run over HTTP, and its events, are complete, and other work runs while they are written.', async () => {
    const { troupe, call } = await servers.start({ agents: [echo] })
    const task = { rows: rows(50_000), text: '"😀'.repeat(100_000) }
    const run = await troupe.user('default').orchestra.start({ agent: 'Echo', task })
    const { response } = await run.result()
    const { result, macrotasks } = await countMacrotasks(() => call('GET', `/v1/runs/${run.id}/result`))
    expect(result.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(result.body.status).toBe('completed')
    expect(isSame(result.body.response, response)).toBe(true)
    expect(macrotasks).toBeGreaterThan(5)
    const { text } = await call('GET', `/v1/runs/${run.id}/events`)
    const values = text.split('\n').filter((line: string) => line.startsWith('data: ') && line.length > 1_000_000)
    expect(values.length).toBeGreaterThan(1)
    for (const line of values) expect(line.includes(JSON.stringify(task))).toBe(true)
  })

  it('A long result of a run over MCP is complete, as text and as data.', async () => {
    const { troupe, call } = await servers.start({ agents: [echo] })
    const run = await troupe.user('default').orchestra.start({ agent: 'Echo', task: rows(40_000) })
    const { response } = await run.result()
    const answer = await askOverMcp(call, 'tools/call', { name: 'get_run', arguments: { run: run.id } })
    const { structuredContent, content } = answer.result
    expect([structuredContent.run, structuredContent.status]).toEqual([run.id, 'completed'])
    expect(isSame(structuredContent.response, response)).toBe(true)
    expect(isSame(JSON.parse(content[0].text), structuredContent)).toBe(true)
  })

  it('An answer over MCP that is too long is a coded error: of a run, an entry and a resource.', async () => {
    const { troupe, call } = await servers.start({ agents: [echo] })
    const { orchestra, context } = troupe.user('default')
    const run = await orchestra.start({ agent: 'Echo', task: rows(60_000) })
    await run.result()
    await context.push('long', rows(60_000))
    const tool = async (name: string, args: object) =>
      (await askOverMcp(call, 'tools/call', { name, arguments: args })).result
    const ofRun = await tool('get_run', { run: run.id })
    expect(ofRun).toMatchObject({ isError: true })
    expect(JSON.parse(ofRun.content[0].text)).toMatchObject({
      code: 'mcp.answer_too_large',
      error: expect.stringContaining(run.id),
    })
    const ofEntry = await tool('get_context', { key: 'long' })
    expect(JSON.parse(ofEntry.content[0].text)).toMatchObject({ code: 'mcp.answer_too_large' })
    const { error } = await askOverMcp(call, 'resources/read', { uri: 'troupe://context/long' })
    expect(error.message).toMatch(/^troupe:\/\/context\/long has \d+ characters; 2097152 are sent over MCP\.$/)
  })
})
