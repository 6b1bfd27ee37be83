/** What waits for a person over HTTP: listed with its origin, answered and resolved under the rights that runs require. */
import { afterEach, expect, it } from 'vitest'
import { failure } from '../../../core/index.ts'
import { defineAgent, defineMessage, finish, Worker } from '../../../index.ts'
import { caller, Servers, until } from '../../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const Order = defineMessage<string>('order')
const cut = () => {
  throw failure('outcome.unknown', { what: 'The payment', problem: 'it was cut off' })
}
const payer = defineAgent<string>({
  name: 'Payer',
  run: async (task, ctx) =>
    finish(
      task === 'pay'
        ? await ctx.effect('pay', { class: 'at-most-once', key: 'order-17', input: { amount: 250 } }, cut)
        : await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args: { to: 'bob' } }),
    ),
})
const orderWorker = () => {
  const handled: unknown[] = []
  const worker = new Worker('Desk').on(Order, async ({ payload }, ctx) => {
    handled.push(await ctx.effect('pay', { class: 'at-most-once', key: payload }, cut))
  })
  return { handled, worker }
}
interface Item {
  readonly id: string
  readonly origin: string
  readonly questions: readonly { readonly id: string; readonly hash: string }[]
  readonly uncertain: readonly { readonly step: string; readonly call: string }[]
}

async function served() {
  const { troupe, url } = await servers.start({ agents: [payer] }, { authentication: 'required', rateLimit: false })
  const as = async (options: object = {}) => {
    const { id, key } = await troupe.apiKeys.create({
      name: 'n',
      users: ['ada'],
      role: 'moderator',
      ...options,
    } as never)
    return { id, call: caller(url, { authorization: `Bearer ${key}` }) }
  }
  const { id, call } = await as()
  const items = async (): Promise<readonly Item[]> => (await call('GET', '/v1/approvals')).body.items
  const itemOf = async (origin: string) =>
    until(origin, async () => (await items()).find((item) => item.origin === origin))
  return { troupe, ada: troupe.user('ada'), as, id, call, items, itemOf }
}
const pathOf = ({ id }: Item, what: string) => `/v1/approvals/${encodeURIComponent(id)}/${what}`
const approval = ({ questions: [question] }: Item) => ({
  question: question?.id,
  value: { approve: true, hash: question?.hash },
})

it('GET /v1/approvals lists a session and a message handler beside the runs, and both are decided there.', async () => {
  const { ada, call, items, itemOf } = await served()
  const { handled, worker } = orderWorker()
  await ada.start(worker)
  await ada.agent('Shop').messages.send(Order, '1', { to: 'Desk' })
  await ada.session(payer, { threadId: 't' }).generate('ask')
  await ada.session(payer, { threadId: 'u' }).run('pay')
  await (await ada.orchestra.start({ id: 'r', agent: 'Payer', task: 'pay' })).result()
  const handler = await itemOf('handler')
  expect(handler).toMatchObject({ agent: 'Desk', title: 'order', messages: [expect.any(String)], questions: [] })
  expect((await items()).map(({ id }) => id)).toEqual([handler.id, 'session:u/Payer', 'run:r', 'session:t/Payer'])
  for (const item of await items())
    for (const { step, call: effect } of item.uncertain) {
      const body = { step, call: effect, happened: true, output: { receipt: 7 } }
      expect(await call('POST', pathOf(item, 'resolve'), body)).toMatchObject({ status: 200 })
      expect((await call('POST', pathOf(item, 'resolve'), body)).body.code).toBe('effect.resolved')
    }
  expect((await call('GET', '/v1/runs/r/result?wait=20s')).body.response).toEqual({ receipt: 7 })
  await until('the redriven message', () => handled.length > 0)
  expect(handled).toEqual([{ receipt: 7 }])
  const session = await itemOf('session')
  expect(session).toMatchObject({ threadId: 't', agent: 'Payer', reason: 'question' })
  const wrong = { ...approval(session), value: { approve: true, hash: 'x' } }
  expect((await call('POST', pathOf(session, 'answers'), wrong)).body.code).toBe('approval.mismatch')
  expect(await call('POST', pathOf(session, 'answers'), approval(session))).toMatchObject({ status: 200 })
  expect(await items()).toEqual([])
})

it('POST /v1/approvals/:approval/answers requires the rights that an answer to a run requires.', async () => {
  const { troupe, ada, as, id, call, itemOf } = await served()
  await ada.session(payer, { threadId: 't' }).generate('ask')
  await (await ada.orchestra.start({ id: 'r', agent: 'Payer', task: 'ask' })).result()
  const operations = ['runs.answer', 'runs.approve']
  for (const origin of ['session', 'run']) {
    const item = await itemOf(origin)
    const path = pathOf(item, 'answers')
    const callers = [
      await as({ role: 'readonly' }),
      await as({ operations: ['runs.answer'] }),
      await as({ agent: 'Payer', operations }),
      await as({ agent: 'Payer', role: 'admin' }),
      await as({ agent: 'Other', role: 'admin' }),
      // A session has no steps by which an agent could be found to take part.
      ...(origin === 'session' ? [await as({ agent: 'Other', operations })] : []),
    ]
    for (const other of callers)
      expect((await other.call('POST', path, approval(item))).body.code, origin).toBe('request.forbidden')
    const acting = await call('POST', path, approval(item), { 'troupe-agent': 'Payer' })
    expect(acting.body.code, origin).toBe('request.forbidden')
    const bob = (await as({ users: ['bob'] })).call
    expect((await bob('POST', path, approval(item))).body.code).toBe(
      origin === 'run' ? 'run.unknown' : 'question.unknown',
    )
    expect((await bob('GET', '/v1/approvals')).body.items).toEqual([])
    const allowed = origin === 'run' ? (await as({ agent: 'Other', operations })).call : call
    expect(await allowed('POST', path, approval(item))).toMatchObject({ status: 200 })
  }
  const approved = (await troupe.audit.list({ operation: 'approval.give' })).items
  expect(approved.map(({ key }) => key)).toContain(id)
})

it('POST /v1/approvals/:approval/resolve is for moderators of the user, and for no agent.', async () => {
  const { ada, as, call, itemOf } = await served()
  await ada.session(payer, { threadId: 't' }).run('pay')
  const item = await itemOf('session')
  const [effect] = item.uncertain
  const body = { step: effect?.step, call: effect?.call, happened: false }
  for (const options of [{ role: 'contributor' }, { operations: ['runs.answer'] }, { agent: 'Other', role: 'admin' }])
    expect((await (await as(options)).call('POST', pathOf(item, 'resolve'), body)).body.code).toBe('request.forbidden')
  const bob = (await as({ users: ['bob'] })).call
  expect((await bob('POST', pathOf(item, 'resolve'), body)).body.code).toBe('effect.resolved')
  expect((await call('POST', pathOf({ ...item, id: 'session:u/Payer' }, 'resolve'), body)).body.code).toBe(
    'effect.resolved',
  )
  expect((await call('POST', pathOf({ ...item, id: 'x' }, 'resolve'), body)).body.code).toBe('effect.resolved')
  expect(await call('POST', pathOf(item, 'resolve'), body)).toMatchObject({ status: 200 })
})

it('POST /v1/approvals/:approval/cancel requires the rights of a cancel of a run, and is for no agent.', async () => {
  const { troupe, ada, as, id, call, items, itemOf } = await served()
  await ada.session(payer, { threadId: 't' }).generate('ask')
  await (await ada.orchestra.start({ id: 'r', agent: 'Payer', task: 'ask' })).result()
  for (const origin of ['session', 'run']) {
    const path = pathOf(await itemOf(origin), 'cancel')
    const allowed = { role: 'contributor', operations: ['runs.command'] }
    for (const options of [{ role: 'readonly' }, { operations: ['runs.answer'] }, { ...allowed, agent: 'Payer' }])
      expect((await (await as(options)).call('POST', path)).body.code, origin).toBe('request.forbidden')
    const bob = await (await as({ ...allowed, users: ['bob'] })).call('POST', path)
    expect(bob.body).toMatchObject(origin === 'run' ? { code: 'run.unknown' } : { cancelled: false })
    expect((await call('POST', path)).body).toEqual({ cancelled: true })
  }
  expect(await items()).toEqual([])
  expect((await troupe.audit.list({ operation: 'session.cancel' })).items).toMatchObject([{ key: id, resource: 't' }])
})
