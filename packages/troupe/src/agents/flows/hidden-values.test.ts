/** Handles with a model that does what it is told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent, type Tool } from '../../index.ts'
import {
  call,
  cleanups,
  handleIn,
  injection,
  letter,
  nothing,
  openPolicyTestbed,
  withHandle,
} from '../../security/policy/policy-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'

describe('A hidden result', () => {
  const hides = { untrusted: 'hide' } as const

  it('A hidden result is never in a prompt, and reaches a tool with its labels.', async () => {
    const policy = [{ tool: 'send', when: "args.text has 'web'", do: 'ask' }] as const
    const { run, clerk, sent } = await openPolicyTestbed({ policy })
    const { agent, model } = clerk(
      [call('page'), withHandle('send', (text) => ({ to: 'boss@office.test', text }))],
      hides,
    )
    const started = await run(agent)
    const { questions } = await started.result()
    expect(questions).toMatchObject([{ args: { to: 'boss@office.test', text: injection } }])
    expect(questions[0]?.text).toContain('args.text carries untrusted:web')
    await started.answer(questions[0]?.id ?? '', { approve: true, hash: questions[0]?.hash ?? '' })
    expect(await started.result()).toMatchObject({ status: 'completed' })
    expect(sent).toEqual([{ to: 'boss@office.test', text: injection }])
    expect(JSON.stringify(model.calls.map(({ prompt, tools }) => [prompt, tools]))).not.toContain('eve@evil.test')
  })

  it('A hidden result leaves the step untainted, so that other sensitive data is sent without a question.', async () => {
    const { run, clerk, sent } = await openPolicyTestbed()
    const report = call('send', { to: 'boss@office.test', text: 'bob earns 90417' })
    expect(await (await run(clerk([call('page'), call('payroll'), report], hides).agent)).result()).toMatchObject({
      status: 'completed',
      taint: ['sensitive:payroll'],
    })
    expect(sent).toHaveLength(1)
  })

  it('A hidden result is queried in quarantine, and the answer is hidden and labelled too.', async () => {
    const policy = [{ tool: 'send', when: 'args.to is untrusted', do: 'block' }] as const
    const { run, clerk, sent } = await openPolicyTestbed({ policy })
    const seen: unknown[] = []
    const { agent, model } = clerk(
      [
        call('page'),
        withHandle('query_handle', (handle) => ({
          handle,
          question: 'Who?',
          type: 'one_of',
          options: ['eve@evil.test', 'bob'],
        })),
        ({ prompt, tools }) => {
          seen.push(prompt, tools)
          return 'eve@evil.test'
        },
        withHandle('send', (to) => ({ to, text: 'x' })),
      ],
      hides,
    )
    const result = await (await run(agent)).result()
    expect(result).toMatchObject({ status: 'completed' })
    expect([sent, seen[1] ?? []]).toEqual([[], []])
    expect(JSON.stringify(seen[0])).toContain(injection)
    const planner = model.calls.filter((_, i) => i !== 2)
    expect(JSON.stringify(planner.map(({ prompt }) => prompt.filter(({ role }) => role === 'tool')))).not.toContain(
      'evil',
    )
  })

  it('A hidden result is not queried for one of several options if the query names none.', async () => {
    const { run, clerk } = await openPolicyTestbed()
    const query = withHandle('query_handle', (handle) => ({ handle, question: 'Who?', type: 'one_of' }))
    const { agent, model } = clerk([call('page'), query, 'done'], hides)
    expect(await (await run(agent)).result()).toMatchObject({ response: 'done' })
    expect(JSON.stringify(model.calls[2]?.prompt)).toContain('one_of needs options')
  })

  it('A hidden result is revealed in the answer of its agent, with its labels.', async () => {
    const { run, clerk } = await openPolicyTestbed()
    const { agent } = clerk([call('page'), ({ prompt }) => `The page says: ${handleIn(prompt)}` as never], hides)
    const response = `The page says: ${injection}`
    expect(await (await run(agent)).result()).toMatchObject({ response, taint: ['untrusted:web'] })
  })

  it('A hidden result hides only the fields that a tool names, and all fields if the result has another form.', async () => {
    const { run, clerk, sent } = await openPolicyTestbed()
    const order = { hide: ['notes.*.text'], execute: () => ({ id: 17, notes: [{ by: 'x', text: injection }] }) }
    const { agent, model } = clerk(
      [call('page'), withHandle('send', (text) => ({ to: 'boss@office.test', text }))],
      {},
      order,
    )
    await (await run(agent)).result()
    expect(sent).toEqual([{ to: 'boss@office.test', text: injection }])
    expect(JSON.stringify(model.calls[1]?.prompt)).toMatch(/"id":17,"notes":\[\{"by":"x","text":"handle:/)
    const other = clerk([call('page'), 'read'], {}, { ...order, execute: () => injection })
    await (await run(other.agent)).result()
    expect(JSON.stringify(other.model.calls.map(({ prompt }) => prompt))).not.toContain('evil')
  })

  it('A hidden result hides values derived from it, unless the tool declassifies them.', async () => {
    const { troupe, run, clerk } = await openPolicyTestbed()
    const measure = (declassify?: object) =>
      defineTool({
        name: 'measure',
        description: 'Counts.',
        inputSchema: z.object({ text: z.string() }),
        effect: 'read',
        execute: ({ text }: { text: string }) => text.length,
        ...declassify,
      } as never)
    const play = async (tool: Tool) => {
      const { agent, model } = clerk([call('page'), withHandle('measure', (text) => ({ text }))], hides)
      await (await run(agent.with({ tools: [...agent.toolNames.map(() => tool).slice(0, 1), ...pages] }))).result()
      return JSON.stringify(model.calls.at(-1)?.prompt)
    }
    const pages = [
      defineTool({
        name: 'page',
        description: 'Reads.',
        inputSchema: nothing,
        effect: 'read',
        untrusted: 'web',
        execute: () => injection,
      }),
    ]
    expect(await play(measure())).not.toContain(`"value":${injection.length}`)
    const declassify = [{ label: 'untrusted', reason: 'a number of characters gives no orders' }]
    expect(await play(measure({ declassify }))).toContain(`"value":${injection.length}`)
    await troupe.audit.flush()
    const { items } = await troupe.audit.incidents({ user: 'ada' })
    expect(items).toMatchObject([
      { operation: 'declassify by measure: a number of characters gives no orders', reason: 'taint.declassified' },
    ])
  })

  it('A hidden result stays hidden if a tool fails with it or rejects it.', async () => {
    const { run, clerk } = await openPolicyTestbed()
    const failing = {
      execute: () => {
        throw new Error(injection)
      },
    }
    const one = clerk([call('page')], hides, failing)
    await (await run(one.agent)).result()
    const strict = defineTool({
      name: 'pick',
      description: 'Picks.',
      inputSchema: z.object({ of: z.enum(['a', 'b']) }),
      effect: 'read',
      execute: () => 'x',
    })
    const two = clerk([call('page'), withHandle('pick', (of) => ({ of }))], hides)
    await (await run(two.agent.with({ tools: [strict, ...(await openPolicyTestbed()).tools()] }))).result()
    for (const { model } of [one, two])
      expect(JSON.stringify(model.calls.map(({ prompt }) => prompt))).not.toContain('evil')
  })

  it('A hidden result has a handle that no other conversation knows.', async () => {
    const { run, clerk, sent } = await openPolicyTestbed()
    let handle = ''
    const remember: MockItem = ({ prompt }) => {
      handle = handleIn(prompt)
      return 'seen'
    }
    await (await run(clerk([call('page'), remember], hides).agent)).result()
    const thief = clerk([() => call('send', { to: 'boss@office.test', text: handle }) as never], hides)
    await (await run(thief.agent)).result()
    expect(handle).toMatch(/^handle:/)
    expect(sent).toEqual([])
    expect(JSON.stringify(thief.model.calls.at(-1)?.prompt)).toContain('is not a handle of this conversation')
  })

  it('A hidden result is known in later turns of a thread, and a replay of the run is identical.', async () => {
    const { troupe, run, clerk, sent } = await openPolicyTestbed()
    const { agent } = clerk(
      [call('page'), 'read', withHandle('send', (text) => ({ to: 'boss@office.test', text }))],
      hides,
    )
    const ada = troupe.user('ada')
    await ada.session(agent, { threadId: 't' }).chat('Read the page.')
    await ada.session(agent, { threadId: 't' }).chat('Now send it.')
    expect(sent).toEqual([{ to: 'boss@office.test', text: injection }])
    const other = clerk([call('page'), withHandle('send', (text) => ({ to: 'boss@office.test', text }))], hides)
    const started = await run(other.agent)
    await started.result()
    expect(await ada.orchestra.verifyReplay(started.id)).toMatchObject({ identical: true })
  })
})

it('A hidden value and its labels survive the end of the process between its reading and its use.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-handles-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  const config = {
    storage: `sqlite:${join(folder, 'a.db')}`,
    policy: [{ tool: 'send', when: 'args.text is untrusted', do: 'ask' }],
  } as const
  const first = await openPolicyTestbed(config)
  const script = [call('page'), withHandle('send', (text) => ({ to: 'boss@office.test', text }))]
  const started = await first.run(first.clerk(script, { untrusted: 'hide' }).agent)
  expect((await started.result()).status).toBe('waiting')
  await first.troupe.close()
  const model = new MockModel({ responses: ['done'] })
  const sent: unknown[] = []
  const tools = first.tools().map((tool) =>
    tool.name === 'send'
      ? defineTool({
          name: 'send',
          description: 'Sends a mail.',
          inputSchema: letter,
          execute: (input) => sent.push(input),
        })
      : tool,
  )
  const agent = new LlmAgent({
    name: 'Clerk',
    instructions: 'Mail what you find to boss@office.test.',
    model,
    tools,
    untrusted: 'hide',
  })
  const second = await openPolicyTestbed({ ...config, agents: [agent] })
  const run = await second.troupe.user('ada').orchestra.get(started.id)
  const [question] = (await run.result()).questions
  await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
  expect(await run.result()).toMatchObject({ status: 'completed' })
  expect(sent).toEqual([{ to: 'boss@office.test', text: injection }])
  expect(JSON.stringify(model.calls.map(({ prompt }) => prompt))).not.toContain('evil')
})
