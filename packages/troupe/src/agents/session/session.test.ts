import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RecoverableError, systemClock } from '../../core/index.ts'
import { MockModel } from '../../testing/index.ts'
import { defineAgent } from '../definitions/define-agent.ts'
import { handOff, invoke, type Routed } from '../definitions/routing.ts'
import {
  call,
  file,
  mail,
  mockAgent,
  onlyQuestion,
  openSessionTestbed,
  promptOf,
  tool,
  until,
} from './session-testbed.test.fixture.ts'

describe('a session', () => {
  it('A session continues the conversation of its own thread.', async () => {
    const { session } = await openSessionTestbed()
    const { model, agent } = mockAgent(['first', 'second', 'other'])
    expect(await session(agent).chat('one')).toBe('first')
    expect(await session(agent).chat('two')).toBe('second')
    expect(model.calls[1]?.prompt.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
    await session(agent, 'elsewhere').chat('three')
    expect(model.calls[2]?.prompt).toHaveLength(2)
  })

  it('A session reports text, usage, cost, tools and model.', async () => {
    const { session, seen } = await openSessionTestbed('memory:', {
      models: { prices: { 'mock/mock': { input: 10, output: 20 } } },
    })
    const { agent } = mockAgent([call(), 'done'], { tools: [tool(({ q }) => `did ${q}`)] })
    const result = await session(agent).generate('go')
    expect(result).toMatchObject({
      status: 'completed',
      success: true,
      text: 'done',
      output: 'done',
      usage: { inputTokens: 20, outputTokens: 10 },
      toolCalls: [{ name: 'act', args: { q: 'x' }, success: true, result: 'did x' }],
      model: 'mock/mock',
    })
    expect(result.cost.usd).toBeCloseTo((20 * 10 + 10 * 20) / 1e6, 12)
    expect(seen.map(({ type }) => type)).toEqual(['model.called', 'tool.called', 'model.called'])
    const unknown = await session(
      mockAgent(['x']).agent.with({ name: 'B', model: new MockModel({ responses: ['x'], modelId: 'new' }) }),
    ).generate('go')
    expect(unknown.cost).toEqual({ usd: 0, unknown: ['mock/new'] })
  })

  it('A session commits a turn with an at-most-once tool in three changes.', async () => {
    const { session, commits } = await openSessionTestbed()
    const { agent } = mockAgent([call('1'), call('2'), call('3'), 'done'], { tools: [tool(() => 1)] })
    await session(agent).chat('go')
    // The thread's own, three for each of three turns, and for the last one its answer; the first claim opens the journal.
    expect(commits()).toBeLessThanOrEqual(1 + 3 * 3 + 2)
  })

  it('A session reads the state of a thread before each step, and its messages from the second step on.', async () => {
    const { session, reads } = await openSessionTestbed()
    const { model, agent } = mockAgent(['first', 'second'])
    await session(agent).chat('one')
    expect(reads()).toBe(1)
    await session(agent).chat('two')
    expect(reads()).toBe(3)
    expect(promptOf(model, 1)).toContain('first')
  })

  it('A session that is aborted rejects as cancelled, and leaves a valid history.', async () => {
    const { session } = await openSessionTestbed()
    const controller = new AbortController()
    const hang = tool((_, { signal }) => {
      controller.abort()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const { model, agent } = mockAgent([call(), 'again'], { tools: [hang] })
    const one = session(agent)
    await expect(one.chat('go', { signal: controller.signal })).rejects.toMatchObject({ name: 'CancelledError' })
    expect(await one.chat('and now?')).toBe('again')
    expect(model.calls[1]?.prompt.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'user'])
    expect(promptOf(model, 1)).toMatch(/cut off/)
  })

  it('A session that is aborted after a helper has answered stores its own open call, and no message of the helper.', async () => {
    const { session } = await openSessionTestbed()
    const controller = new AbortController()
    const hang = tool((_, { signal }) => {
      controller.abort()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const helper = mockAgent([call('a'), call('b'), 'helped'], { tools: [tool(() => 1)] }).agent.with({
      name: 'Helper',
    })
    const ask = { toolCalls: [{ name: 'helper', args: { request: 'help' } }] }
    const { model, agent } = mockAgent([ask, call('slow'), 'again'], { tools: [hang], agents: { helper } })
    const one = session(agent)
    await expect(one.chat('go', { signal: controller.signal })).rejects.toMatchObject({ name: 'CancelledError' })
    expect(await one.chat('and now?')).toBe('again')
    const roles = ['system', 'user', 'assistant', 'tool', 'assistant', 'tool', 'user']
    expect(model.calls[2]?.prompt.map(({ role }) => role)).toEqual(roles)
    expect(promptOf(model, 2)).toMatch(/slow.*cut off/)
  })

  it('A session fails with the error of the model, and continues afterwards.', async () => {
    const { session } = await openSessionTestbed()
    const rejected = Object.assign(new Error('no'), { statusCode: 401 })
    const { agent, model } = mockAgent([rejected, 'fine'])
    await expect(session(agent).chat('go')).rejects.toMatchObject({
      code: 'model.rejected',
      name: 'ExternalServiceError',
    })
    expect(model.calls).toHaveLength(1)
    expect(await session(agent).run('go')).toMatchObject({ status: 'completed', response: 'fine' })
    expect(await session(agent).run('go')).toMatchObject({ status: 'failed', success: false })
  })

  it('A call of a session that fails or is cancelled has the usage of its model calls.', async () => {
    const { session } = await openSessionTestbed()
    const usage = { inputTokens: 10, outputTokens: 5 }
    const form = z.object({ n: z.number() })
    const { agent } = mockAgent(
      ['a', 'b', 'c'].map((text) => ({ text, usage })),
      { output: form },
    )
    const failed = await session(agent).run('go')
    expect(failed).toMatchObject({ status: 'failed', usage: { inputTokens: 30, outputTokens: 15 } })
    const controller = new AbortController()
    const hang = tool(() => {
      controller.abort()
      return new Promise(() => {})
    })
    const other = mockAgent([{ ...(call('5') as object), usage }], { tools: [hang] })
    const cancelled = await session(other.agent).run('go', { signal: controller.signal })
    expect(cancelled).toMatchObject({ status: 'cancelled', usage })
    expect(cancelled.cost.unknown).toHaveLength(1)
  })

  it('A session waits for an approval, and continues with the answer, which counts once.', async () => {
    const { session } = await openSessionTestbed()
    let ran = 0
    const { agent } = mockAgent([call('5'), 'paid'], { tools: [tool(() => ++ran, { needsApproval: true })] })
    const one = session(agent)
    const waiting = await one.generate('go')
    expect(waiting).toMatchObject({
      status: 'waiting',
      success: false,
      questions: [{ kind: 'approval', tool: 'act', args: { q: '5' } }],
    })
    const { id, hash } = onlyQuestion(waiting)
    await expect(one.chat('hello?')).rejects.toMatchObject({ code: 'session.waiting' })
    await expect(one.answer(id, { approve: true, hash: 'other' })).rejects.toMatchObject({ code: 'approval.mismatch' })
    expect(ran).toBe(0)
    expect(await one.answer(id, { approve: true, hash })).toMatchObject({ status: 'completed', text: 'paid' })
    expect(ran).toBe(1)
    await expect(one.answer(id, { approve: true, hash })).rejects.toMatchObject({ code: 'question.unknown' })
  })

  it('A session with an open question continues in another process, without another model call or payment.', async () => {
    const url = file()
    let charged = 0
    const tools = [tool(() => ++charged, { effect: 'at-most-once' }), mail]
    const first = await openSessionTestbed(url)
    const before = mockAgent(
      [
        {
          toolCalls: [
            { name: 'act', args: { q: '1' } },
            { name: 'mail', args: { q: '2' } },
          ],
        },
      ],
      { tools },
    )
    const waiting = await first.session(before.agent).generate('go')
    const { id, hash } = onlyQuestion(waiting)
    await first.close()
    const second = await openSessionTestbed(url)
    // The same model by name: what it said is in the record.
    const after = mockAgent(['all done'], { tools })
    const one = second.session(after.agent)
    expect(await one.questions()).toMatchObject([{ id, tool: 'mail' }])
    expect(await one.answer(id, { approve: true, hash })).toMatchObject({
      text: 'all done',
      usage: { inputTokens: 20 },
    })
    expect(charged).toBe(1)
    expect(before.model.calls).toHaveLength(1)
    expect(after.model.calls).toHaveLength(1)
  })

  it('A session finishes what a crash interrupted before it starts the next call.', async () => {
    const url = file()
    const first = await openSessionTestbed(url)
    const hang = tool(() => new Promise(() => {}), { effect: 'read' })
    const before = mockAgent([call('1')], { tools: [hang] })
    const cut = first.session(before.agent).chat('first')
    const rejection = cut.catch(({ code }: { readonly code: string }) => code)
    await until(() => before.model.calls.length === 1)
    await first.close()
    expect(await rejection).toBe('troupe.closed')
    const second = await openSessionTestbed(url)
    const after = mockAgent(['first answered', 'second answered'], { tools: [tool(() => 'found', { effect: 'read' })] })
    expect(await second.session(after.agent).chat('second')).toBe('second answered')
    expect(promptOf(after.model, 0)).toMatch(/first.*found/)
    expect(promptOf(after.model, 1)).toMatch(/first.*found.*first answered.*second/)
  })

  it('A session names the effect whose outcome a crash left unknown, and continues once it is resolved.', async () => {
    const url = file()
    const first = await openSessionTestbed(url)
    let isPaying = false
    const pay = () => {
      isPaying = true
      return new Promise(() => {})
    }
    const before = mockAgent([call('1')], { tools: [tool(pay, { effect: 'at-most-once' })] })
    const cut = first
      .session(before.agent)
      .chat('first')
      .catch(() => {})
    await until(() => isPaying)
    await first.close()
    await cut
    const second = await openSessionTestbed(url)
    const ran: string[] = []
    const after = mockAgent(['first answered', 'second answered'], {
      tools: [tool(() => ran.push('again'), { effect: 'at-most-once' })],
    })
    const session = second.session(after.agent)
    for (let i = 0; i < 2; i++) await expect(session.chat('second')).rejects.toMatchObject({ code: 'effect.uncertain' })
    await expect(session.forget()).rejects.toMatchObject({ code: 'effect.uncertain' })
    const [effect] = await session.uncertain()
    if (!effect) throw new Error('no effect is uncertain')
    expect(effect).toMatchObject({ name: 'act', class: 'at-most-once', key: expect.any(String), input: { q: '1' } })
    const other = second.session(after.agent, 'other')
    expect(await other.uncertain()).toEqual([])
    const resolution = { happened: true, output: 'paid once' }
    await expect(other.resolve(effect, resolution)).rejects.toMatchObject({ code: 'effect.resolved' })
    expect(await session.resolve(effect, resolution)).toMatchObject({ status: 'completed', text: 'first answered' })
    expect(promptOf(after.model, 0)).toMatch(/first.*paid once/)
    expect(await session.chat('second')).toBe('second answered')
    await expect(session.resolve(effect, resolution)).rejects.toMatchObject({ code: 'effect.resolved' })
    expect([ran, await session.uncertain()]).toEqual([[], []])
  })

  it('A session retries recoverable tool failures, reports a timeout, and repeats no at-most-once tool.', async () => {
    const { session } = await openSessionTestbed()
    let [reads, acts] = [0, 0]
    const flaky = (n: number) => Promise.reject(new RecoverableError(`attempt ${n}`))
    const tools = [
      tool(() => (++reads < 3 ? flaky(reads) : 'read at last'), { effect: 'read' }),
      tool(() => flaky(++acts), { name: 'once' }),
      tool(() => new Promise(() => {}), { name: 'slow', timeout: '20ms', effect: 'read' }),
    ]
    const toolCalls = ['act', 'once', 'slow'].map((name) => ({ name, args: { q: 'x' } }))
    const { agent, model } = mockAgent([{ toolCalls }, 'done'], { tools })
    await session(agent).chat('go')
    expect(promptOf(model, 1)).toMatch(/read at last.*attempt 1.*tool timeout of 20ms/)
    expect([reads, acts]).toEqual([3, 1])
  })

  it('A session streams the parts of its answer, followed by the whole answer.', async () => {
    const { session } = await openSessionTestbed()
    const stream = session(mockAgent(['one two three four']).agent).stream('go')
    const pieces: string[] = []
    for await (const part of stream) if (part.type === 'text-delta') pieces.push(part.delta)
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.join('')).toBe('one two three four')
    expect((await stream.result).text).toBe('one two three four')
  })

  it('A stream of a session that fails rejects its iterator.', async () => {
    const { session } = await openSessionTestbed()
    const stream = session(mockAgent([Object.assign(new Error('no'), { statusCode: 400 })]).agent).stream('go')
    const iterate = async () => {
      for await (const _ of stream);
    }
    await expect(iterate()).rejects.toMatchObject({ code: 'model.rejected' })
  })

  it('A session calls tools for the application, and sends messages.', async () => {
    const { session, sent } = await openSessionTestbed()
    const tools = [tool(({ q }) => (q === 'bad' ? Promise.reject(new Error('empty shelf')) : { did: q }))]
    const one = session(mockAgent([], { tools }).agent)
    expect(await one.executeTool('act', { q: 'x' })).toEqual({ did: 'x' })
    await expect(one.executeTool('act', { q: 'bad' })).rejects.toMatchObject({
      name: 'ProcessingError',
      message: expect.stringMatching(/empty shelf/),
    })
    await expect(one.executeTool('act', {})).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(one.executeTool('akt', {})).rejects.toMatchObject({
      code: 'tool.unknown',
      hint: expect.stringMatching(/act/),
    })
    const denied = session(mockAgent([], { tools, deny: ['act'] }).agent)
    await expect(denied.executeTool('act', { q: 'x' })).rejects.toMatchObject({ code: 'access.denied' })
    await expect(session(mockAgent([]).agent).executeTool('akt', {})).rejects.toMatchObject({
      hint: 'Did you mean to give the agent tools?',
    })
    expect(await one.sendMessage('B', 'hello')).toEqual({ from: 'A', to: 'B', payload: 'hello' })
    expect(sent).toEqual(['hello'])
  })

  it.each<[string, () => Routed, string]>([
    ['hands off', () => handOff('B', 'please'), 'it cannot hand off to B'],
    ['invokes agents', () => invoke([{ agent: 'B' }, { agent: 'C' }]), 'it cannot invoke B, C'],
  ])('A session rejects the outcome of a function that %s.', async (_, run, problem) => {
    const { session } = await openSessionTestbed()
    const one = session(defineAgent({ name: 'F', run: async (task: string) => (task === 'go' ? run() : task) }))
    await expect(one.generate('go')).rejects.toMatchObject({
      code: 'outcome.invalid',
      message: `The outcome of F is not possible here: ${problem} in a session. F may finish; return a value.`,
    })
    expect(await one.chat('stay')).toBe('stay')
  })

  it('A session carries out calls one after the other.', async () => {
    const { session } = await openSessionTestbed()
    const { model, agent } = mockAgent([{ text: 'slow', latency: 20 }, 'fast'])
    const one = session(agent)
    expect(await Promise.all([one.chat('1'), one.chat('2')])).toEqual(['slow', 'fast'])
    expect(model.calls[1]?.prompt).toHaveLength(4)
  })

  it('A session executes function agents too, with recorded contexts.', async () => {
    const { session } = await openSessionTestbed()
    const agent = defineAgent({
      name: 'F',
      run: async (input, ctx) => ({
        input,
        at: ctx.now() > 0,
        done: await ctx.effect('e', { class: 'at-most-once' }, () => 7),
      }),
    })
    expect(await session(agent).generate({ n: 1 })).toMatchObject({ output: { input: { n: 1 }, at: true, done: 7 } })
  })

  it('A session executes a helper within the step, with a conversation of its own.', async () => {
    const { session } = await openSessionTestbed()
    const helped = mockAgent(['helped one', 'helped two'])
    const helper = helped.agent.with({ name: 'Helper' })
    const ask = { name: 'helper', args: { request: 'help' } }
    const { agent, model } = mockAgent([{ toolCalls: [ask, ask] }, 'done'], { agents: { helper } })
    expect(await session(agent).generate('go')).toMatchObject({ text: 'done', usage: { inputTokens: 40 } })
    expect(promptOf(model, 1)).toMatch(/helped one.*helped two/)
    for (const { prompt } of helped.model.calls) expect(prompt).toHaveLength(2)
  })

  it('A session limits the tools that execute in parallel.', async () => {
    let running = 0
    let peak = 0
    const slow = tool(async () => {
      peak = Math.max(peak, ++running)
      await new Promise<void>((done) => void systemClock.after(5, done))
      running--
      return 1
    })
    const toolCalls = Array.from({ length: 9 }, (_, i) => ({ name: 'act', args: { q: `${i}` } }))
    const { session } = await openSessionTestbed()
    const { agent } = mockAgent([{ toolCalls }, 'done'], { tools: [slow], settings: { maxParallelTools: 3 } })
    await session(agent).chat('go')
    expect(peak).toBe(3)
  })
})
