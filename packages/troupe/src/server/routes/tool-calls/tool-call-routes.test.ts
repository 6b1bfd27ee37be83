import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, LlmAgent, type TroupeConfig } from '../../../index.ts'
import { MockModel } from '../../../testing/index.ts'
import { type CallServer, caller, Servers } from '../../server-testbed.test.fixture.ts'

const servers = new Servers()

describe('recorded tool calls', () => {
  let folder: string
  let paid: unknown[]
  let asked: MockModel[]
  const models = () => asked.flatMap(({ calls }) => calls).length
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-tool-call-'))
    paid = []
    asked = []
  })
  afterEach(async () => {
    await servers.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A clerk who looks a price up, pays once after an approval, and passes a note of a helper on. */
  const clerk = () => {
    const price = defineTool({
      name: 'price',
      description: 'Looks a price up.',
      inputSchema: z.object({ item: z.string() }),
      effect: 'read',
      untrusted: 'shop',
      execute: ({ item }) => ({ item, cents: item.length * 100 }),
    })
    const pay = defineTool({
      name: 'pay',
      description: 'Pays an amount.',
      inputSchema: z.object({ cents: z.int().positive() }),
      needsApproval: ({ cents }) => cents > 100,
      execute: ({ cents }) => {
        if (cents === 13) throw new Error('out of money')
        paid.push(cents)
        return { receipt: paid.length }
      },
    })
    const model = new MockModel({
      responses: [
        { text: '', toolCalls: [{ name: 'price', args: { item: 'tea' } }] },
        { text: '', toolCalls: [{ name: 'pay', args: { cents: 90 } }] },
        'Done.',
      ],
    })
    asked.push(model)
    return new LlmAgent({ name: 'Clerk', instructions: 'You buy.', model, tools: { price, pay } })
  }

  const open = async (config: Partial<TroupeConfig> = {}) => {
    const served = await servers.start(
      { agents: [clerk()], ...config },
      { authentication: 'required', rateLimit: false },
    )
    const as = async (
      role: 'readonly' | 'contributor' | 'moderator',
      user = 'ada',
      operations?: readonly ('runs.read' | 'runs.fork' | 'runs.start')[],
    ) => {
      const key = await served.troupe.apiKeys.create({
        name: `${role} of ${user}`,
        users: [user],
        role,
        ...(operations ? { operations } : {}),
      })
      return { id: key.id, call: caller(served.url, { authorization: `Bearer ${key.key}` }) }
    }
    return { ...served, as }
  }
  const bought = async (config: Partial<TroupeConfig> = {}) => {
    const opened = await open(config)
    const { id, call } = await opened.as('moderator')
    await call('POST', '/v1/runs', { agent: 'Clerk', task: 'Buy tea.', id: 'one' })
    await call('GET', '/v1/runs/one/result?wait=20s')
    expect([paid, models()]).toEqual([[90], 3])
    return { ...opened, id, call, calls: await callsOf(call) }
  }
  const path = '/v1/runs/one/steps/1%231/tool-call'
  const callsOf = async (call: CallServer) => {
    const { calls } = (await call('GET', '/v1/runs/one/steps/1%231/calls')).body
    const idOf = (name: string) => calls.find((one: { readonly name: string }) => one.name === name).call as string
    return { price: idOf('price'), pay: idOf('pay'), model: idOf('1') }
  }
  const ended = async (call: CallServer, run: string) =>
    (await call('GET', `/v1/runs/${run}/result?wait=20s`)).body as { readonly status: string }

  it('A plan has the recorded arguments, the schema and the class of the tool, and why other arguments do not fit.', async () => {
    const { call, calls } = await bought()
    const plan = (id: string, args?: unknown) => call('POST', `${path}-plan`, { call: id, args })
    const price = await plan(calls.price)
    expect(price).toMatchObject({
      status: 200,
      body: {
        agent: 'Clerk',
        tool: 'price',
        args: { item: 'tea' },
        effect: 'read',
        approval: 'never',
        isRepeat: false,
      },
    })
    expect(price.body.parameters.properties).toHaveProperty('item')
    expect((await plan(calls.pay)).body).toMatchObject({
      args: { cents: 90 },
      effect: 'at-most-once',
      approval: 'sometimes',
      isRepeat: true,
    })
    expect(price.body).not.toHaveProperty('problem')
    expect((await plan(calls.price, { item: 'milk' })).body).not.toHaveProperty('problem')
    expect((await plan(calls.price, { item: 7 })).body.problem).toContain('item')
    expect(await plan(calls.model)).toMatchObject({ status: 409, body: { code: 'call.unavailable' } })
    expect(await plan('none')).toMatchObject({ status: 404, body: { code: 'call.unknown' } })
  })

  it('A run of one step executes the call with other arguments and calls no model.', async () => {
    const { call, calls } = await bought()
    const started = await call('POST', path, { call: calls.price, args: { item: 'coffee' }, id: 'two' })
    expect(started).toMatchObject({ status: 201, body: { run: 'two' } })
    expect(started.headers.get('location')).toBe('/v1/runs/two')
    expect(await ended(call, 'two')).toMatchObject({
      status: 'completed',
      response: { item: 'coffee', cents: 600 },
      totalSteps: 1,
      taint: ['untrusted:shop'],
    })
    expect((await call('GET', '/v1/runs?tags=call:one')).body.items).toMatchObject([{ id: 'two', agents: ['Clerk'] }])
    expect((await call('GET', '/v1/runs/two/steps/1%231/calls')).body.calls).toMatchObject([
      { name: 'price', class: 'read', output: { item: 'coffee', cents: 600 } },
    ])
    // The same request returns the same run.
    const repeated = await call('POST', path, { call: calls.price, args: { item: 'coffee' }, id: 'two' })
    expect(repeated).toMatchObject({ status: 201, body: { run: 'two' } })
    expect(models()).toBe(3)
  })

  it('Arguments that do not fit the schema, and those with a handle, are rejected before a run starts.', async () => {
    const { call, calls } = await bought()
    for (const args of [{}, { item: 7 }, 'tea', null])
      expect(await call('POST', path, { call: calls.price, args })).toMatchObject({
        status: 400,
        body: { code: 'validation.failed', detail: expect.stringContaining('price') },
      })
    const args = { item: `handle:${'a'.repeat(32)}` }
    expect((await call('POST', path, { call: calls.price, args })).body.detail).toContain('handle')
    expect((await call('POST', path, { call: calls.price })).status).toBe(400)
    expect((await call('GET', '/v1/runs')).body.items).toHaveLength(1)
  })

  it('A call of class at-most-once that happened is executed again only with `repeat: true`.', async () => {
    const { call, calls } = await bought()
    for (const repeat of [undefined, false]) {
      const rejected = await call('POST', path, { call: calls.pay, args: { cents: 50 }, repeat })
      expect(rejected).toMatchObject({ status: 409, body: { code: 'effect.repeated' } })
    }
    expect(paid).toEqual([90])
    await call('POST', path, { call: calls.pay, args: { cents: 50 }, repeat: true, id: 'two' })
    expect(await ended(call, 'two')).toMatchObject({ status: 'completed', response: { receipt: 2 } })
    expect(paid).toEqual([90, 50])
    // A fork of the run is a call too.
    expect((await call('POST', '/v1/runs/two/fork', { at: 1 })).body.code).toBe('effect.repeated')
    await call('POST', '/v1/runs/two/fork', { at: 1, repeat: true, id: 'three' })
    expect(await ended(call, 'three')).toMatchObject({ status: 'completed', response: { receipt: 3 } })
    expect([paid, models()]).toEqual([[90, 50, 50], 3])
  })

  it('A plan and the definition of the agent say that a policy may ask for an approval.', async () => {
    const { call, calls } = await bought({ policy: [{ tool: 'price', when: 'any arg is untrusted', do: 'ask' }] })
    expect((await call('POST', `${path}-plan`, { call: calls.price })).body.approval).toBe('sometimes')
    const { tools } = (await call('GET', '/v1/agents/Clerk')).body
    expect(tools).toContainEqual(expect.objectContaining({ name: 'price', approval: 'sometimes' }))
  })

  it('The run asks for the approval that the tool needs, and a refusal or an error of the tool fails the run.', async () => {
    const { call, calls } = await bought()
    const pay = async (cents: number, id: string) => {
      await call('POST', path, { call: calls.pay, args: { cents }, repeat: true, id })
      return (await ended(call, id)) as unknown as {
        readonly status: string
        readonly questions: readonly { readonly id: string; readonly hash: string }[]
      }
    }
    const answer = async (id: string, approve: boolean) => {
      const { questions } = await pay(500, id)
      const value = { approve, hash: questions[0]?.hash, reason: 'too much' }
      await call('POST', `/v1/runs/${id}/answers`, { question: questions[0]?.id, value })
      return ended(call, id)
    }
    expect(await answer('refused', false)).toMatchObject({ status: 'failed', error: { code: 'tool.failed' } })
    expect(paid).toEqual([90])
    expect(await answer('approved', true)).toMatchObject({ status: 'completed', response: { receipt: 2 } })
    expect(paid).toEqual([90, 500])
    expect(await pay(13, 'broken')).toMatchObject({ status: 'failed', error: { code: 'tool.failed' } })
  })

  it('Only an operator of the user executes a call again, and the audit log names the API key.', async () => {
    const { as, id, call, calls, troupe } = await bought()
    const body = { call: calls.price, args: { item: 'milk' } }
    for (const role of ['readonly', 'contributor'] as const) {
      const other = await as(role)
      for (const answer of [
        await other.call('POST', path, body),
        await other.call('POST', `${path}-plan`, { call: calls.price }),
      ])
        expect(answer).toMatchObject({ status: 403, body: { code: 'request.forbidden' } })
    }
    const narrow = await as('moderator', 'ada', ['runs.read', 'runs.fork', 'runs.start'])
    expect((await narrow.call('POST', path, body)).status).toBe(403)
    expect((await (await as('moderator', 'bob')).call('POST', path, body)).body.code).toBe('run.unknown')
    const { run } = (await call('POST', path, body)).body
    await ended(call, run)
    await troupe.audit.flush()
    const { items } = await troupe.audit.list({ user: 'ada', operation: 'run.call-tool' })
    expect(items).toMatchObject([{ actor: 'host', resource: 'one', allowed: true, key: id }])
    expect((await troupe.audit.list({ operation: 'run.start', resource: run })).items).toMatchObject([{ key: id }])
  })

  it('Another process completes the run with the call, not with the model of the agent.', async () => {
    const storage = `sqlite:${join(folder, 'troupe.db')}` as const
    const first = await open({ storage })
    const { call } = await first.as('moderator')
    await call('POST', '/v1/runs', { agent: 'Clerk', task: 'Buy tea.', id: 'one' })
    await ended(call, 'one')
    const { pay } = await callsOf(call)
    await call('POST', path, { call: pay, args: { cents: 500 }, repeat: true, id: 'two' })
    expect(await ended(call, 'two')).toMatchObject({ status: 'waiting' })
    await servers.close()
    const second = await open({ storage })
    const next = await second.as('moderator')
    const { questions } = (await ended(next.call, 'two')) as unknown as { readonly questions: readonly never[] }
    const { id, hash } = questions[0] as unknown as { readonly id: string; readonly hash: string }
    await next.call('POST', '/v1/runs/two/answers', { question: id, value: { approve: true, hash } })
    expect(await ended(next.call, 'two')).toMatchObject({ status: 'completed', response: { receipt: 2 } })
    expect([paid, models()]).toEqual([[90, 500], 3])
  })

  it('A call executed again has the labels of all that its step and run had read, so that a policy asks again.', async () => {
    const sent: string[] = []
    const read = (name: string, label: { readonly untrusted?: string; readonly sensitive?: string }) =>
      defineTool({ name, description: name, inputSchema: z.object({}), effect: 'read', ...label, execute: () => name })
    const send = defineTool({
      name: 'send',
      description: 'Sends.',
      inputSchema: z.object({ to: z.string() }),
      effect: 'at-most-once',
      execute: ({ to }) => {
        sent.push(to)
        return 'sent'
      },
    })
    const calls = ['web', 'payroll'].map((name) => ({ text: '', toolCalls: [{ name, args: {} }] }))
    const responses = [...calls, { text: '', toolCalls: [{ name: 'send', args: { to: 'bob' } }] }, 'Done.']
    const tools = { web: read('web', { untrusted: 'web' }), payroll: read('payroll', { sensitive: 'payroll' }), send }
    const agent = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses }), tools })
    const { troupe, as } = await open({ agents: [agent] })
    const run = await troupe.user('ada').orchestra.start({ id: 'one', agent: 'Clerk', task: 'x' })
    const asked = await run.result()
    const [question] = asked.questions
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    expect([(await run.result()).status, sent]).toEqual(['completed', ['bob']])
    const { call } = await as('moderator')
    const recorded = (await call('GET', '/v1/runs/one/steps/1%231/calls')).body.calls
    const { call: id } = recorded.find(({ name }: { readonly name: string }) => name === 'send')
    await call('POST', path, { call: id, args: { to: 'eve' }, repeat: true, id: 'two' })
    expect(await ended(call, 'two')).toMatchObject({ status: 'waiting', questions: [{ kind: 'approval' }] })
    expect(sent).toEqual(['bob'])
  })

  it('A call of a function agent, and a call of a tool that the agent has lost, cannot be executed again.', async () => {
    const storage = `sqlite:${join(folder, 'troupe.db')}` as const
    const first = await open({ storage })
    await first.troupe.user('ada').orchestra.run({ id: 'one', agent: 'Clerk', task: 'Buy tea.' })
    const { price } = await callsOf((await first.as('moderator')).call)
    await servers.close()
    const code = defineAgent({
      name: 'Code',
      run: (_, ctx) => ctx.effect('look', { class: 'read' }, () => 'seen'),
    })
    const bare = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: [] }) })
    const { as, troupe } = await open({ storage, agents: [bare, code] })
    const { call } = await as('moderator')
    expect((await call('POST', path, { call: price, args: { item: 'tea' } })).body).toMatchObject({
      code: 'call.unavailable',
      detail: expect.stringContaining('the agent Clerk has no tool price now'),
    })
    await troupe.user('ada').orchestra.run({ id: 'coded', agent: 'Code', task: 1 })
    const coded = '/v1/runs/coded/steps/1%231'
    const [effect] = (await call('GET', `${coded}/calls`)).body.calls
    expect((await call('POST', `${coded}/tool-call`, { call: effect.call, args: {} })).body.code).toBe(
      'call.unavailable',
    )
  })
})
