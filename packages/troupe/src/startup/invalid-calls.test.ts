import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  createTroupe,
  defineAgent,
  defineKey,
  defineMessage,
  defineTool,
  LlmAgent,
  StateMachine,
  type Troupe,
  type TroupeConfig,
  Worker,
} from '../index.ts'
import { BatchProcessor, CircuitBreaker, LastKnownGood, Pool, RateLimiter } from '../resilience.ts'
import { buildSystemPrompt, mergeTools, toAiSdk, toAnthropic, toLangChain, toLangGraph, toOpenAI } from '../tools.ts'

const open: Troupe[] = []
const opened = async (more: Partial<TroupeConfig> = {}) => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...more })
  open.push(troupe)
  return troupe
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

const Note = defineMessage('note')
const wrong = expect.objectContaining({ name: 'ValidationError' })
const cancelled = expect.objectContaining({ name: 'CancelledError' })
const x = { signl: 1 } as never
type Calls = readonly (() => unknown)[]
const eachRejects = async (calls: Calls, error: unknown) => {
  for (const call of calls) await expect(Promise.resolve().then(call), String(call)).rejects.toThrow(error as Error)
}

describe('the context', () => {
  it('The context calls reject unknown options and invalid values, and change nothing.', async () => {
    const ada = (await opened()).user('ada')
    const { context } = ada.agent('A')
    await context.push('k', 1)
    let called = 0
    const calls: Calls = [
      () => context.push('k', 2, null as never),
      () => context.push('k', 2, { signal: 'x' } as never),
      () => context.getEntry('k', x),
      () => context.getMany(['k'], x),
      () => context.getMany('k' as never),
      () => context.list({ topics: 'x' } as never),
      () => context.update('k', 5 as never),
      () => context.update('k', () => ++called, null as never),
      () => context.update('k', () => ++called, { tll: '1h' } as never),
      () => context.discoverTopics({ names: 'yes' } as never),
      () => context.batch([], { atomic: 'yes' } as never),
      () => context.subscribe(['t'], x),
      () => context.unsubscribe(['t'], x),
      () => context.topics(x),
      () => ada.context.stats(x),
      () => ada.context.size(x),
      () => ada.context.clear(x),
      () => ada.context.cleanup(x),
      () => ada.context.setTopicPolicy('t', {}, x),
      () => defineKey('orders.{id', z.any()),
      () => defineKey('orders', {} as never),
      () => defineKey('orders.{id}', z.any())(null as never),
    ]
    await eachRejects(calls, wrong)
    expect(await context.get('k')).toBe(1)
    expect(called).toBe(0)
  })

  it('The context calls do nothing if their signal has aborted.', async () => {
    const ada = (await opened()).user('ada')
    await ada.context.push('k', 1)
    const s = { signal: AbortSignal.abort() }
    const calls: Calls = [
      () => ada.context.stats(s),
      () => ada.context.size(s),
      () => ada.context.clear(s),
      () => ada.context.cleanup(s),
      () => ada.context.setTopicPolicy('t', { post: [] }, s),
    ]
    await eachRejects(calls, cancelled)
    expect(await ada.context.size()).toBe(1)
  })
})

describe('messages', () => {
  it('The message calls reject unknown options and invalid values, and send nothing.', async () => {
    const ada = (await opened()).user('ada')
    const { messages, mailbox } = ada.agent('A')
    const send = (more: object) => () => messages.send(Note, 1, { to: 'B', ...more } as never)
    const worker = new Worker('W')
    const calls: Calls = [
      send({ at: 5 }),
      send({ dedupeId: '' }),
      send({ requiresConfirmation: 'yes' }),
      send({ signal: 'x' }),
      () => mailbox.receive({ types: 'note' as never }),
      () => mailbox.receive({ types: [5 as never] }),
      () => mailbox.receive({ signal: 'x' as never }),
      () => mailbox.messages({ unreadOnly: 'yes' as never }),
      () => mailbox.messages({ type: null as never }),
      () => mailbox.counts(x),
      () => mailbox.markRead('x' as never),
      () => mailbox.redrive('id', x),
      () => worker.onConnect('*', 5 as never),
      () => worker.onConnect('', () => {}),
      () => ada.start(worker, x),
      () => defineMessage('n', {} as never),
      () => defineMessage('n', undefined, { reply: 5 as never }),
      () => defineMessage('n', undefined, { upcast: 5 as never }),
      () => StateMachine.open({ key: 'k', initial: 'a', transitions: { a: ['a'] } } as never),
      () => new BatchProcessor({ size: 3 } as never),
      () => createTroupe({ log: 'silent', storage: 'memory:', presence: { heartbeat: '0ms' } }),
      () => new StateMachine({} as never),
      () => new StateMachine({ initial: 'a', transitions: { a: 'b' as never } }),
      () => new StateMachine({ initial: 'a', transitions: { a: [] } }).on('change', 5 as never),
    ]
    await eachRejects(calls, wrong)
    expect((await ada.agent('B').mailbox.messages()).items).toEqual([])
  })

  it('The message calls do nothing if their signal has aborted.', async () => {
    const ada = (await opened()).user('ada')
    const { messages, mailbox } = ada.agent('A')
    await ada.agent('B').messages.send(Note, 1, { to: 'A' })
    const [delivery] = await mailbox.receive()
    const s = { signal: AbortSignal.abort() }
    const calls: Calls = [
      () => messages.send(Note, 1, { to: 'B', ...s }),
      () => messages.broadcast(Note, 1, { to: ['B'], ...s }),
      () => messages.publish(Note, 1, { topic: 't', ...s }),
      () => messages.request(Note, 1, { to: 'B', ...s }),
      () => mailbox.receive(s),
      () => mailbox.messages(s),
      () => mailbox.counts(s),
      () => mailbox.deadLetters(s),
      () => mailbox.redrive('x', s),
      () => delivery?.ack(s),
      () => delivery?.nack(s),
      () => delivery?.reply(1, s),
    ]
    await eachRejects(calls, cancelled)
    await delivery?.ack()
    expect((await ada.agent('B').mailbox.messages()).items).toEqual([])
  })

  it('A send that waits for a full mailbox leaves the queue when its signal aborts, and the order is preserved.', async () => {
    const ada = (await opened({ messaging: { capacity: { count: 1 }, backpressure: 'wait' } })).user('ada')
    const { messages } = ada.agent('A')
    const controller = new AbortController()
    await messages.send(Note, 1, { to: 'B' })
    const second = messages.send(Note, 2, { to: 'B' })
    const third = messages.send(Note, 3, { to: 'B', signal: controller.signal })
    const fourth = messages.send(Note, 4, { to: 'B' })
    controller.abort()
    await expect(third).rejects.toThrow(cancelled)
    const seen: unknown[] = []
    while (seen.length < 3)
      for (const delivery of await ada.agent('B').mailbox.receive({ wait: '10s' })) {
        seen.push(delivery.message.payload)
        await delivery.ack()
      }
    await Promise.all([second, fourth])
    expect(seen).toEqual([1, 2, 4])
  })

  it('A message is published to a closed topic only by agents that may post to it.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    const incidents: unknown[] = []
    troupe.on('incident.recorded', (incident) => incidents.push(incident))
    await ada.agent('C').context.subscribe(['news'])
    await ada.context.setTopicPolicy('news', { post: ['A'] })
    const rejected = { name: 'AccessDeniedError', code: 'topic.closed' }
    await expect(ada.agent('B').messages.publish(Note, 1, { topic: 'news' })).rejects.toMatchObject(rejected)
    expect(await ada.agent('A').messages.publish(Note, 2, { topic: 'news' })).toMatchObject([
      { to: 'C', success: true },
    ])
    expect((await ada.agent('C').mailbox.messages()).items).toMatchObject([{ from: 'A', payload: 2 }])
    await expect.poll(() => incidents.length).toBe(1)
  })
})

describe('tools', () => {
  it('The tool formats answer an unknown form of call with a result, and reject a value without tools.', async () => {
    const { tools } = (await opened()).user('ada').agent('A')
    for (const format of [toOpenAI, toAnthropic, toAiSdk, toLangChain, toLangGraph]) {
      const call = format(tools).call as (call: unknown) => Promise<unknown>
      for (const shape of [undefined, 5, {}])
        expect(await call(shape), format.name).toMatchObject({ success: false, code: 'tool.unknown' })
      expect(() => format(5 as never), format.name).toThrow(wrong)
    }
    expect(() => mergeTools(5 as never, [])).toThrow(wrong)
    expect(() => mergeTools(tools, 'x' as never)).toThrow(wrong)
  })

  it('The tool names of allow and deny are accepted, and a misspelt built-in name is rejected.', async () => {
    const ada = (await opened()).user('ada')
    const read = defineTool({ name: 'get_contexts', description: 'x', inputSchema: z.object({}), execute: () => 1 })
    const ofAgent = (options: object) => new LlmAgent({ name: 'A', ...options })
    for (const mistake of [{ deny: ['refund', 'delet_topic'] }, { allow: ['deleteTopic'] }])
      for (const call of [
        () => ada.agent('A', mistake),
        () => new Worker('W', { access: mistake }),
        () => ofAgent(mistake),
        () => ofAgent({}).with(mistake),
        () => defineAgent({ name: 'F', run: () => 1, ...mistake }),
      ])
        expect(call, String(call)).toThrow(/(deny|allow) .*did you mean delete_topic\?/)
    // What looks a role up and finds none gives no rights.
    expect(() => ada.agent('A', { role: null as never })).toThrow(expect.objectContaining({ code: 'role.unknown' }))
    // Names of users' own tools, that nobody may know yet.
    for (const own of ['refund', 'get_contact', 'send_message', '']) ada.agent('A', { deny: [own], allow: [own] })
    expect(ofAgent({ tools: [read], allow: ['get_contexts'] }).access).toEqual({ allow: ['get_contexts'] })
    expect(() => ofAgent({ allow: ['get_contexts'] })).toThrow(/get_context\?/)
  })

  it('The prompt builder rejects options of a wrong type.', async () => {
    const agent = (await opened()).user('ada').agent('A')
    const prompt = (options: object) => () => buildSystemPrompt(agent, options as never)
    const calls = [{ template: 5 }, { existing: 5 }, { fallback: 5 }, { header: true }, { keys: 'k' }].map(prompt)
    await eachRejects([...calls, () => buildSystemPrompt(5 as never)], wrong)
  })
})

describe('createTroupe', () => {
  it.each<[string, object, RegExp]>([
    ['agents', { agents: 5 }, /agents/],
    ['teams', { teams: [] }, /teams/],
    ['clock', { clock: 5 }, /clock/],
    ['random', { random: {} }, /random/],
    ['policies that are none', { policies: { agents: 5 } }, /policies of the agent/],
    ['a timeout of nothing', { policies: { tools: { x: { timeout: '0s' } } } }, /timeout of the tool x .*1ms/],
    ['a breaker that never stays open', { policies: { models: { '*': { breaker: { pause: '0s' } } } } }, /pause .*1ms/],
    ['an egress without time', { egress: { timeout: '0s' } }, /egress\.timeout/],
    ['a watchdog that barks at once', { watchdog: { after: '0s' } }, /watchdog\.after/],
    ['a lag of nothing', { health: { lag: '0s' } }, /health\.lag/],
    ['alerts for nobody', { alerts: { to: [{ user: 'ops' }] } }, /alerts\.to .*no agent/],
    ['rules that are not a list', { alerts: { rules: 5 } }, /alerts\.rules/],
    ['a flag of alerts that is none', { alerts: { defaults: 'no' } }, /alerts\.defaults/],
    ['a flag of traces that is none', { traces: { content: 'yes' } }, /traces\.content/],
    ['a clean-up without end', { retention: { every: '0s' } }, /retention\.every/],
    ['two mistakes, the nearest named', { storge: 'x', log: 'loud' }, /storage/],
    ['a policy that is neither rules nor options', { policy: 5 }, /policy/],
    ['a policy whose rule is not an object', { policy: [1] }, /policy\[0\]/],
    ['faults that nothing decides', { faults: { rates: { full: 1 } } }, /faults\.clock/],
    ['a kind of fault that there is not', { faults: { rates: { ful: 1 } } }, /faults\.rates has no option ful/],
  ])('createTroupe rejects invalid %s.', async (_, config, named) => {
    await expect(createTroupe({ storage: 'memory:', ...config } as never)).rejects.toThrow(named)
  })

  it.each([
    ...['messaging', 'presence', 'context', 'prices', 'models', 'cassette', 'retention', 'schedules', 'evaluation'],
    ...['encryption', 'audit', 'egress', 'policies', 'roles', 'shutdown', 'doctor', 'faults', 'health'],
    ...['otlp', 'alerts', 'traces', 'watchdog'],
  ])('createTroupe rejects a value for %s that is not an object, and shows the value.', async (option) => {
    for (const [value, described] of [
      [null, 'null'],
      [5, '5'],
      [true, 'true'],
      ['nonsense', 'a string'],
      [[1], 'a list'],
    ] as const) {
      const startup = createTroupe({ storage: 'memory:', [option]: value } as never)
      const message = expect.stringMatching(
        new RegExp(`^${option} is not valid: ${described} is (no|neither an) object`),
      )
      await expect(startup).rejects.toMatchObject({ code: 'validation.failed', message })
    }
  })

  it.each(['replay', 'runs', 'metrics', 'changeIds', 'feed', 'feedRevisions', 'every'])(
    'createTroupe names the option retention.%s for its misspelling.',
    async (option) => {
      const startup = createTroupe({ storage: 'memory:', retention: { [`${option}x`]: '1d' } } as never)
      await expect(startup).rejects.toMatchObject({ code: 'option.unknown', hint: `Did you mean ${option}?` })
    },
  )

  it('The exported classes with options reject values that are not objects.', () => {
    expect(() => new CircuitBreaker(3 as never)).toThrow(/CircuitBreaker .*it must be an object/)
    expect(() => new RateLimiter(60 as never)).toThrow(/RateLimiter .*it must be an object/)
    expect(() => new LastKnownGood({ maxAge: '0s' })).toThrow(/maxAge of LastKnownGood/)
    expect(() => new Pool({ create: () => 1, maxLifetime: '0s' })).toThrow(/maxLifetime/)
  })

  it('audit.record rejects an incomplete entry.', async () => {
    const { audit } = await opened()
    const auditEntry = { actor: 'host', operation: 'import', allowed: true }
    audit.record({ ...auditEntry, user: 'ada', resource: 'orders' })
    for (const bad of [
      { ...auditEntry, operaton: 'x' },
      { ...auditEntry, actor: '' },
      { actor: 'host', operation: 'import' },
    ])
      expect(() => audit.record(bad as never), JSON.stringify(bad)).toThrow(/audit\.record/)
    await audit.flush()
    expect((await audit.list({ operation: 'import' })).items).toMatchObject([{ actor: 'host', resource: 'orders' }])
  })

  it('troupe.on accepts only a function as observer.', async () => {
    const troupe = await opened()
    expect(() => troupe.on('*', 5 as never)).toThrow(wrong)
  })
})
