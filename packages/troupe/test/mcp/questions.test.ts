/** The questions of runs over MCP, asked of the person at a client or answered by `answer_run`. */
import { afterEach, expect, test } from 'vitest'
import { modern, structured, textOf, until } from './clients.ts'
import { closeServed, keyScope, runsOf, serve, went } from './served-teams.ts'

afterEach(closeServed)

test('A run over MCP is awaited as long as requested, also if another person answered its question first.', async () => {
  const { connect, troupe } = await serve()
  const client = await connect(keyScope, { ...modern, capabilities: { elicitation: { form: {} } } })
  client.setRequestHandler('elicitation/create', async () => {
    const run = await troupe.user('ada').orchestra.get('asked')
    const [question] = (await run.result()).questions
    await run.answer(question?.id as string, true)
    await until('it continues', async () => (await run.status()).status === 'running')
    return { action: 'accept', content: { value: false } }
  })
  const call = { name: 'run_team', arguments: { task: 1, team: 'AskingFirst', id: 'asked', wait: 0.1 } }
  expect(structured(await client.callTool(call, { timeout: 9_000 }))).toEqual({ run: 'asked', status: 'running' })
})

test('A run over MCP that works on while it asks can be answered.', async () => {
  const { connect, troupe } = await serve()
  const client = await connect(keyScope)
  await client.callTool({ name: 'run_team', arguments: { task: 1, team: 'both', id: 'works', wait: 0 } })
  const questions = async () => (await troupe.user('ada').approvals.list()).items.flatMap(({ questions }) => questions)
  await until('it asks', async () => (await questions()).length > 0)
  const call = { run: 'works', question: (await questions())[0]?.id, value: 'red', wait: 0.1 }
  const answered = await client.callTool({ name: 'answer_run', arguments: call }, { timeout: 9_000 })
  expect(structured(answered)).toEqual({ run: 'works', status: 'running' })
  expect(await questions()).toEqual([])
})

test('A run over MCP that asked before is cancelled with its call as well.', async () => {
  const { connect, troupe } = await serve()
  const client = await connect(keyScope, { ...modern, capabilities: { elicitation: { form: {} } } })
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { value: true } }))
  const ends = new AbortController()
  const call = client
    .callTool({ name: 'run_team', arguments: { task: 1, team: 'AskingFirst' } }, { signal: ends.signal })
    .catch(() => 'ended')
  await until('it goes on with the answer', () => went.length > 0)
  ends.abort()
  expect(await call).toBe('ended')
  await until('it is cancelled', async () => (await runsOf(troupe))[0]?.status === 'cancelled')
})

test('A run over MCP reports each step as progress before its answer, the last one too.', async () => {
  const { url, keyOf } = await serve()
  const headers = {
    authorization: `Bearer ${await keyOf(keyScope)}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const params = { name: 'run_team', arguments: { task: 1, team: 'Echo' }, _meta: { progressToken: 'p' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const answer = await (await fetch(`${url}/mcp`, { method: 'POST', headers, body })).text()
  const lines = answer.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []))
  expect(lines.map(({ params, id }) => params?.message ?? id)).toEqual(['Echo begins', 'Echo is done', 1])
})

test('A run over MCP that asks by elicitation reports no step twice, and its progress only increases.', async () => {
  const { connect } = await serve()
  const client = await connect(keyScope, { ...modern, capabilities: { elicitation: { form: {} } } })
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { value: 'red' } }))
  const reported: { readonly progress: number; readonly message?: string | undefined }[] = []
  const call = { name: 'run_team', arguments: { task: 1, team: 'Asking' } }
  const result = await client.callTool(call, { onprogress: (one) => void reported.push(one) })
  expect(structured(result)).toMatchObject({ status: 'completed', response: 'red' })
  // The client reports its own rounds too, and may drop a report that arrives with the answer.
  const own = reported.filter(({ message }) => message?.startsWith('Asking'))
  expect(own.map(({ message }) => message).slice(0, 2)).toEqual(['Asking begins', 'Asking asks a person'])
  expect(new Set(own.map(({ message }) => message)).size).toBe(own.length)
  expect(own.every(({ progress }, i) => progress > (own[i - 1]?.progress ?? 0))).toBe(true)
})

test('A run over MCP shows the person an approval with invisible and foreign characters as codes.', async () => {
  const { connect } = await serve()
  const client = await connect(keyScope, { ...modern, capabilities: { elicitation: { form: {} } } })
  const asked: string[] = []
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message)
    return { action: 'decline' }
  })
  await client.callTool({ name: 'run_team', arguments: { task: 1, team: 'Paying' } })
  expect(asked).toEqual(['Pay \\u{430}dmin (mixes Latin and Cyrillic)?\npay {"to":"\\u{202e}bob"}'])
})

test('A run over MCP asks no question and reveals none if the key may not answer.', async () => {
  const { connect, troupe } = await serve()
  const capable = { ...modern, capabilities: { elicitation: { form: {} } } }
  const client = await connect({ ...keyScope, operations: ['runs.start'] }, capable)
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { value: true } }))
  const args = { task: 1, team: 'Sure' }
  const waits = structured(await client.callTool({ name: 'run_team', arguments: args }))
  expect(waits).toMatchObject({ status: 'waiting', questions: [{ text: 'Sure?' }] })
  const run = await troupe.user('ada').orchestra.get(waits.run)
  const forged = { name: 'run_team', arguments: args, requestState: `0:${waits.run}` }
  const answer = { inputResponses: { [waits.questions[0].id]: { action: 'accept', content: { value: true } } } }
  const rejected = await client.request({ method: 'tools/call', params: { ...forged, ...answer } } as never)
  expect(textOf(rejected)).toContain('request.forbidden')
  expect((await run.status()).status).toBe('waiting')
})

test('A run over MCP asks the person at a client that can ask, and returns its questions otherwise.', async () => {
  const { connect } = await serve()
  const capable = await connect(keyScope, { ...modern, capabilities: { elicitation: { form: {} } } })
  const asked: string[] = []
  capable.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message)
    const value = params.message === 'Sure?' ? true : 'blue'
    return { action: 'accept', content: { value } }
  })
  const chosen = await capable.callTool({ name: 'run_team', arguments: { task: 1, team: 'Asking' } })
  expect(structured(chosen)).toMatchObject({ status: 'completed', response: 'blue' })
  const sure = await capable.callTool({ name: 'run_team', arguments: { task: 1, team: 'Sure' } })
  expect(structured(sure)).toMatchObject({ status: 'completed', response: { sure: true } })
  expect(asked).toEqual(['Which?', 'Sure?'])

  // That it opens pages is another thing.
  const elicitingClient = await connect(keyScope, { ...modern, capabilities: { elicitation: { url: {} } } })
  const result = structured(
    await elicitingClient.callTool({ name: 'run_team', arguments: { task: 1, team: 'Asking' } }),
  )
  expect(result.status).toBe('waiting')

  const plain = await connect(keyScope)
  const waits = structured(await plain.callTool({ name: 'run_team', arguments: { task: 1, team: 'Asking', id: 'q' } }))
  expect(waits).toMatchObject({ status: 'waiting', questions: [{ kind: 'choice', text: 'Which?' }] })
  const answer = { run: 'q', question: waits.questions[0].id, value: 'red' }
  expect(structured(await plain.callTool({ name: 'answer_run', arguments: answer }))).toMatchObject({
    response: 'red',
  })
})
