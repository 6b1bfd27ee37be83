import { afterEach, describe, expect, it } from 'vitest'
import { createVirtualClock, failure } from '../../core/index.ts'
import { defineAgent, LlmAgent } from '../../index.ts'
import { defineMessage } from '../../messaging/index.ts'
import { MockModel } from '../../testing/index.ts'
import { type Event, follow, type Served, Servers, until } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
const ends = new AbortController()
afterEach(() => servers.close())

/** Reads the stream in the background, from its first frame on. */
async function open(url: string, headers: Record<string, string> = {}, signal: AbortSignal = ends.signal, query = '') {
  const events: Event[] = []
  const stream = follow(`${url}/v1/updates${query}`, headers, signal)
  const first = (await stream.next()).value as Event
  events.push(first)
  const over = (async () => {
    for await (const event of stream) events.push(event)
  })().catch(() => {})
  const updates = () => events.flatMap(({ data }) => data.updates ?? [])
  return { events, updates, over }
}
const kindsOf = (updates: readonly { kind: string }[]) => [...new Set(updates.map(({ kind }) => kind))].sort()
const secured = async (served: Promise<Served>) => {
  const { troupe, ...rest } = await served
  const key = async (options: object = {}) =>
    (await troupe.apiKeys.create({ name: 'k', users: ['ada'], role: 'admin', ...options })).key
  return { troupe, key, ...rest }
}

describe('The stream of updates', () => {
  it('The stream of updates reports runs, questions, namespaces, schedules and dead letters, without content.', async () => {
    const { call, url, troupe } = await servers.start({ messaging: { maxAttempts: 1 } })
    const { events, updates } = await open(url)
    expect(events[0]).toMatchObject({ event: 'open', data: { type: 'open' } })
    await call('POST', '/v1/runs', { id: 'r', task: 'SECRET', agent: 'Asking' })
    const asked = await until('a question', () => updates().find(({ kind }) => kind === 'question'))
    expect(asked).toMatchObject({ run: 'r', state: 'open' })
    await until('it waits', () => updates().find(({ kind, status }) => kind === 'run' && status === 'waiting'))
    await call('POST', '/v1/runs/r/answers', { question: asked.question, value: 'red' })
    await until('its end', () => updates().find(({ kind, status }) => kind === 'run' && status === 'completed'))
    expect(updates()).toContainEqual({ kind: 'question', run: 'r', question: asked.question, state: 'answered' })
    await call('PUT', '/v1/context/entries/letters.draft', { value: 'SECRET' })
    await until('a namespace', () => updates().find(({ kind }) => kind === 'context'))
    expect(updates()).toContainEqual({ kind: 'context', namespace: 'letters' })
    await call('POST', '/v1/schedules', { id: 's', agent: 'Echo', task: 1, every: '1d' })
    await until('a schedule', () => updates().find(({ kind }) => kind === 'schedule'))
    const user = troupe.user('default')
    await user.agent('Shop').messages.send(defineMessage<string>('order'), 'SECRET', { to: 'Stock' })
    const { mailbox } = user.agent('Stock')
    const [delivery] = await mailbox.receive({ max: 1, wait: '5s' })
    await delivery?.nack({ reason: 'no' })
    await until('a dead letter', async () => {
      await mailbox.receive({ max: 1 })
      return updates().find(({ kind }) => kind === 'dead-letters')
    })
    expect(updates()).toContainEqual({ kind: 'dead-letters', mailbox: 'Stock' })
    expect(JSON.stringify(events)).not.toContain('SECRET')
  })

  it('The stream of updates reports when a session begins and ends to wait, and when an effect is resolved.', async () => {
    const pays = defineAgent({
      name: 'Pays',
      run: async (_, ctx) =>
        ctx.effect('pay', { class: 'at-most-once' }, () => {
          throw failure('outcome.unknown', { what: 'The payment', problem: 'it was cut off' })
        }),
    })
    const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => ctx.ask({ text: 'SECRET' }) })
    const { url, troupe } = await servers.start({ agents: [pays, asks] })
    const ada = troupe.user('ada')
    const own = await open(url, { 'troupe-user': 'ada' })
    const all = await open(url, {}, ends.signal, '?allUsers=true')
    const approvalsOf = ({ updates }: typeof own) => updates().filter(({ kind }) => kind.endsWith('approvals')).length
    const noticed = async (what: string, change: () => Promise<unknown>) => {
      const before = [own, all].map(approvalsOf)
      await change()
      await until(what, () => [own, all].every((stream, i) => approvalsOf(stream) > (before[i] as number)))
      // A later batch must not have this notice.
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    const [asking, paying] = [ada.session(asks, { threadId: 'a' }), ada.session(pays, { threadId: 'p' })]
    await noticed('a question', () => asking.generate(1))
    const [question] = await asking.questions()
    await noticed('the answer', () => ada.approvals.answer('session:a/Asks', question?.id ?? '', 'red'))
    await noticed('another question', () => asking.generate(2))
    await noticed('the cancel', () => asking.cancel())
    await noticed('an effect', () => paying.run(1))
    const [effect] = await paying.uncertain()
    await paying.cancel()
    await noticed('its resolution', () => paying.resolve(effect as never, { happened: false }))
    const run = await ada.orchestra.start({ agent: 'Pays', task: 1 })
    await run.result()
    await run.cancel()
    const [left] = await run.uncertain()
    await noticed('the resolution of a run that has ended', () => run.resolve(left as never, { happened: false }))
    expect(kindsOf(all.updates())).toEqual(['all-approvals', 'all-runs'])
    expect(JSON.stringify([own.events, all.events])).not.toMatch(/SECRET|session/)
  })

  it('The stream of updates reports to callers of all users when a run asks and when it is answered.', async () => {
    const asks = defineAgent({ name: 'Asks', run: async (_, ctx) => ctx.ask({ text: 'SECRET' }) })
    const { url, troupe } = await servers.start({ agents: [asks] })
    const { updates, events } = await open(url, {}, ends.signal, '?allUsers=true')
    const count = () => updates().filter(({ kind }) => kind === 'all-approvals').length
    const run = await troupe.user('ada').orchestra.start({ agent: 'Asks', task: 1 })
    await until('its question', () => count() === 1)
    const [question] = (await run.result()).questions
    await run.answer(question?.id ?? '', 'red')
    await until('its answer', () => count() === 2)
    expect(JSON.stringify(events)).not.toMatch(/SECRET|ada/)
  })

  it('The stream of updates reports a run in progress when its tokens and cost were stored.', async () => {
    const [begins, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const agents = [
      defineAgent({ name: 'First', run: () => begins.promise }),
      new LlmAgent({
        name: 'Writer',
        model: new MockModel({ responses: [{ text: 'done', usage: { inputTokens: 1_000, outputTokens: 100 } }] }),
      }),
      defineAgent({ name: 'Last', run: () => ends.promise }),
    ]
    const { call, url } = await servers.start({ agents })
    const { updates } = await open(url)
    const flows = ['Start -> First', 'First -> Writer', 'Writer -> Last', 'Last -> End']
    await call('POST', '/v1/runs', { id: 'r', task: 1, topology: { agents: ['First', 'Writer', 'Last'], flows } })
    await until('its start', () => updates().length === 1)
    begins.resolve()
    await until('its usage', () => updates().length === 2)
    expect(updates()[1]).toEqual({ kind: 'run', run: 'r', status: 'running' })
    expect((await call('GET', '/v1/runs?status=running')).body.items).toMatchObject([
      { id: 'r', usage: { inputTokens: 1_000, outputTokens: 100 } },
    ])
    ends.resolve()
    await until('its end', () => updates().some(({ status }) => status === 'completed'))
  })

  it('The stream of updates continues after the last event that a reader names, and sends a reader of another stream a resync.', async () => {
    const { call, url } = await servers.start()
    const first = new AbortController()
    const { events, over } = await open(url, {}, first.signal)
    const push = (key: string) => call('PUT', `/v1/context/entries/${key}`, { value: 1 })
    await push('one.x')
    await until('one', () => events.length > 1)
    const last = events.at(-1)?.id as string
    first.abort()
    await over
    await push('two.x')
    const resumed = await open(url, { 'last-event-id': last })
    await until('two', () => resumed.updates().length > 0)
    expect(resumed.events.map(({ event }) => event)).toEqual(['open', 'changes'])
    expect(resumed.updates()).toEqual([{ kind: 'context', namespace: 'two' }])
    const other = await open(url, { 'last-event-id': 'another-process.7' })
    await until('a resync', () => other.events.length > 1)
    expect(other.events[1]?.event).toBe('resync')
    const wrong = await call('GET', '/v1/updates', undefined, { 'last-event-id': 'no id' })
    expect(wrong.status).toBe(400)
  })

  it('The stream of updates sends many changes as few frames, and more than 200 of them as a resync.', async () => {
    const { url, troupe } = await servers.start()
    const { events } = await open(url)
    const { context } = troupe.user('default')
    await context.push('first.x', 1)
    await until('a frame', () => events.length > 1)
    await Promise.all(Array.from({ length: 150 }, (_, i) => context.push(`few.${i}`, i)))
    await until('its namespace', () => events.some(({ data }) => data.updates?.[0].namespace === 'few'))
    expect(events.length).toBeLessThan(6)
    await Promise.all(Array.from({ length: 300 }, (_, i) => context.push(`many${i}.x`, i)))
    await until('a resync', () => events.some(({ event }) => event === 'resync'))
    expect(events.every(({ data }) => (data.updates?.length ?? 0) <= 200)).toBe(true)
  })

  it('The stream of updates never reports what a caller may not list: other users, or lists outside the operations of its key.', async () => {
    const { url, troupe, key } = await secured(servers.start({}, { authentication: 'required' }))
    const all = await open(url, { 'x-api-key': await key() })
    const runsAlone = await open(url, { 'x-api-key': await key({ operations: ['runs.read'] }) })
    const ben = await open(url, { 'x-api-key': await key({ users: ['ben'] }) })
    await troupe.user('ada').context.push('letters.draft', 1)
    await troupe.user('ada').orchestra.run({ agent: 'Echo', task: 1 })
    await until('both', () => kindsOf(all.updates()).length === 2)
    await until('the run', () => runsAlone.updates().some(({ status }) => status === 'completed'))
    expect(kindsOf(all.updates())).toEqual(['context', 'run'])
    expect(kindsOf(runsAlone.updates())).toEqual(['run'])
    expect(ben.updates()).toEqual([])
    const status = async (options: object, headers = {}) =>
      (await fetch(`${url}/v1/updates`, { headers: { 'x-api-key': await key(options), ...headers } })).status
    expect(await status({ operations: ['context.read'] })).toBe(403)
    expect(await status({}, { 'troupe-user': 'ben' })).toBe(403)
    // An agent sees its own steps, and a notice does not say of which agents a run is.
    expect(await status({ agent: 'Echo' })).toBe(403)
    expect((await fetch(`${url}/v1/updates`)).status).toBe(401)
  })

  it('The stream of updates tells operators that a run of any user changed, and neither its user nor its id.', async () => {
    const { url, troupe, key } = await secured(servers.start({}, { authentication: 'required' }))
    const operator = { 'x-api-key': await key({ users: 'all' }), 'troupe-user': 'ada' }
    const all = await open(url, operator, ends.signal, '?allUsers=true')
    const own = await open(url, operator)
    await troupe.user('ben').orchestra.run({ id: 'of-ben', agent: 'Echo', task: 1 })
    await troupe.user('ben').context.push('letters.draft', 1)
    await until('a notice', () => all.updates().length > 0)
    await troupe.user('ada').orchestra.run({ id: 'of-ada', agent: 'Echo', task: 1 })
    for (const { updates } of [all, own]) await until('the run', () => kindsOf(updates()).includes('run'))
    expect(kindsOf(all.updates())).toEqual(['all-runs', 'run'])
    expect(kindsOf(own.updates())).toEqual(['run'])
    expect(all.updates()).toContainEqual({ kind: 'all-runs' })
    expect(JSON.stringify(all.events)).not.toMatch(/ben/)
    const last = all.events.at(-1)?.id as string
    const resumed = await open(url, { ...operator, 'last-event-id': last }, ends.signal, '?allUsers=true')
    await troupe.user('ben').orchestra.run({ agent: 'Echo', task: 1 })
    await until('a notice after the return', () => resumed.updates().length > 0)
    expect(resumed.events.map(({ event }) => event)).not.toContain('resync')
    const status = async (options: object) =>
      (await fetch(`${url}/v1/updates?allUsers=true`, { headers: { 'x-api-key': await key(options) } })).status
    expect(await status({})).toBe(403)
    expect(await status({ users: 'all', agent: 'Echo' })).toBe(403)
    expect(await status({ users: 'all', operations: ['metrics.read'] })).toBe(403)
  })

  it('The stream of updates tells operators who may read metrics that a health check changed, and no other reader.', async () => {
    const clock = createVirtualClock()
    const { url, troupe, key } = await secured(servers.start({ clock }, { authentication: 'required' }))
    let isOpen = true
    troupe.healthMonitor.register('shop', () => isOpen)
    const operator = { 'x-api-key': await key({ users: 'all' }), 'troupe-user': 'ada' }
    const runsAlone = { 'x-api-key': await key({ users: 'all', operations: ['runs.read'] }), 'troupe-user': 'ada' }
    const all = await open(url, operator, ends.signal, '?allUsers=true')
    const others = [await open(url, operator), await open(url, runsAlone, ends.signal, '?allUsers=true')]
    await clock.advance('1m')
    expect(all.updates()).toEqual([])
    isOpen = false
    await clock.advance('11s')
    await until('a notice', () => all.updates().length > 0)
    expect(all.updates()).toEqual([{ kind: 'health' }])
    await troupe.user('ada').context.push('letters.draft', 1)
    await until('the runs of others', async () => {
      await clock.advance('1s')
      await troupe.user('ada').orchestra.run({ agent: 'Echo', task: 1 })
      return others.every(({ updates }) => updates().some(({ kind }) => kind === 'run'))
    })
    for (const { updates } of others) expect(kindsOf(updates())).not.toContain('health')
  })

  it('The stream of updates counts among the open streams of a caller, and a rejected one does not count.', async () => {
    const { url, troupe } = await servers.start({}, { maxStreams: 2 })
    const end = new AbortController()
    const two = [await open(url, {}, end.signal), await open(url, {}, end.signal)]
    const rejected = await fetch(`${url}/v1/updates`)
    const { code } = (await rejected.json()) as { readonly code: string }
    expect([rejected.status, code]).toEqual([429, 'capacity.exceeded'])
    await troupe.user('default').context.push('k', 1)
    for (const { updates } of two) await until('it', () => updates().length === 1)
    end.abort()
    await Promise.all(two.map(({ over }) => over))
    await until('a place', async () => (await fetch(`${url}/v1/updates`, { method: 'HEAD' })).status === 200)
  })
})
