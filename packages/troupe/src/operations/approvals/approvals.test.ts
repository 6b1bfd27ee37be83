import { expect, it } from 'vitest'
import { z } from 'zod'
import { failure } from '../../core/index.ts'
import { defineAgent, defineMessage, finish, invoke, type Troupe, type User, Worker } from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()
const cut = () => {
  throw failure('outcome.unknown', { what: 'The payment', problem: 'it was cut off' })
}
/** Waits in its thread or run: `ask` for an answer, anything else for the resolution of its effect. */
const payer = defineAgent<string>({
  name: 'Payer',
  run: async (task, ctx) => {
    if (task === 'ask') return finish(await ctx.ask({ text: 'Which?' }))
    if (task === 'approve')
      return finish(await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args: { to: 'bob' } }))
    return finish(await ctx.effect('pay', { class: 'at-most-once', key: task, input: { task } }, cut))
  },
})
const Order = defineMessage('order', z.string())

const everything = async (user: User, limit = 50) => {
  const found = []
  for await (const item of await user.approvals.list({ limit })) found.push(item)
  return found
}
const one = async (user: User) => {
  const [item, ...others] = await everything(user)
  if (!item || others.length > 0) throw new Error(`${others.length + (item ? 1 : 0)} items wait`)
  return item
}
async function until<T>(read: () => Promise<T | undefined | false>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const found = await read()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('not within 5 s')
}

/** A worker whose effects are cut off, with a dead letter; `handled` are the results of later attempts. */
async function deadLetter(troupe: Troupe, { key = true, batch = false } = {}) {
  const ada = troupe.user('ada')
  const handled: unknown[] = []
  const spec = (order: string) => ({ class: 'at-most-once' as const, ...(key ? { key: order } : {}) })
  let isCut = true
  const worker = new Worker('Desk')
  if (batch)
    worker.onBatch(Order, { size: 2, wait: '1s' }, async (messages, ctx) => {
      for (const { payload } of messages)
        handled.push(await ctx.effect('pay', spec(payload), () => (isCut ? cut() : `paid ${payload}`)))
    })
  else
    worker.on(Order, async ({ payload }, ctx) => {
      handled.push(await ctx.effect('pay', spec(payload), () => (isCut ? cut() : `paid ${payload}`)))
    })
  const running = await ada.start(worker)
  const { messages } = ada.agent('Shop')
  for (const order of batch ? ['1', '2'] : ['1']) await messages.send(Order, order, { to: 'Desk' })
  const { mailbox } = ada.agent('Desk')
  await until(async () => (await mailbox.counts()).dead === (batch ? 2 : 1))
  isCut = false
  return { ada, running, handled, mailbox }
}

it('user.approvals lists a run, a session and a message handler that wait for a person.', async () => {
  const troupe = await opened({ agents: [payer] })
  const { ada } = await deadLetter(troupe)
  const run = await ada.orchestra.start({ id: 'r', task: 'run', topology: solo(payer) })
  await run.result()
  const session = ada.session(payer, { threadId: 't' })
  await expect(session.chat('hello')).rejects.toMatchObject({ code: 'effect.uncertain' })
  const asking = ada.session(payer, { threadId: 'u' })
  await expect(asking.chat('ask')).rejects.toMatchObject({ code: 'session.waiting' })
  const items = await everything(ada)
  const effect = { name: 'pay', class: 'at-most-once', since: expect.any(String) }
  expect(items).toMatchObject([
    { id: expect.stringMatching(/^message:.+#0$/), origin: 'handler', agent: 'Desk', messages: [expect.any(String)] },
    { id: 'session:t/Payer', origin: 'session', threadId: 't', agent: 'Payer', title: 'hello', reason: 'uncertain' },
    { id: 'run:r', origin: 'run', run: 'r', title: 'run', reason: 'uncertain' },
    { id: 'session:u/Payer', origin: 'session', threadId: 'u', reason: 'question', questions: [{ text: 'Which?' }] },
  ])
  expect(items[0]).toMatchObject({ title: 'order', uncertain: [{ ...effect, key: '1' }] })
  expect(items[1]?.uncertain).toMatchObject([{ ...effect, key: 'hello', input: { task: 'hello' } }])
  expect(items[2]?.uncertain).toMatchObject([{ ...effect, key: 'run', step: '1#1' }])
  expect(items.map(({ id }) => id)).toEqual((await everything(ada, 1)).map(({ id }) => id))
})

it('troupe.listApprovals lists what waits of all users, and user.approvals nothing of another user.', async () => {
  const troupe = await opened({ agents: [payer] })
  for (const name of ['ada', 'bob']) {
    const user = troupe.user(name)
    await user.session(payer, { threadId: 't' }).generate('ask')
    await user.session(payer, { threadId: 's' }).run('x')
    await (await user.orchestra.start({ id: name, task: 'ask', topology: solo(payer) })).result()
  }
  const listed = async (limit: number) => {
    const found = []
    for await (const { user, id } of await troupe.listApprovals({ limit })) found.push(`${user} ${id}`)
    return found
  }
  const all = ['ada session:s/Payer', 'bob session:s/Payer', 'ada run:ada', 'bob run:bob']
  for (const limit of [1, 2, 3, 50])
    expect(await listed(limit)).toEqual([...all, 'ada session:t/Payer', 'bob session:t/Payer'])
  const [ada, bob] = [troupe.user('ada'), troupe.user('bob')]
  expect((await everything(bob)).map(({ id }) => id)).toEqual(['session:s/Payer', 'run:bob', 'session:t/Payer'])
  const [item] = (await everything(ada)).filter(({ id }) => id === 'run:ada')
  const question = item?.questions[0]?.id ?? ''
  await expect(bob.approvals.answer('run:ada', question, 'x')).rejects.toMatchObject({ code: 'run.unknown' })
  const unknown = troupe.user('eve').approvals
  await expect(unknown.answer('session:t/Payer', '1:x', 'x')).rejects.toMatchObject({ code: 'question.unknown' })
  const [effect] = (await everything(ada))[0]?.uncertain ?? []
  if (!effect) throw new Error('no effect is uncertain')
  const rejected = unknown.resolve('session:s/Payer', effect, { happened: true })
  await expect(rejected).rejects.toMatchObject({ code: 'effect.resolved' })
  await expect(troupe.listApprovals({ cursor: 'x' })).rejects.toMatchObject({ code: 'cursor.invalid' })
})

it('user.approvals lists and answers the question of a branch while another branch of its run works.', async () => {
  const finished = Promise.withResolvers<void>()
  const works = defineAgent({
    name: 'Works',
    run: (_, ctx) => ctx.effect('work', { class: 'read', input: null }, () => finished.promise.then(() => 'worked')),
  })
  const lead = defineAgent<{ results?: readonly { value: unknown }[] }>({
    name: 'Lead',
    run: async (input) =>
      input?.results
        ? finish(input.results.map(({ value }) => value) as string[])
        : invoke([
            { agent: 'Payer', input: 'ask' },
            { agent: 'Works', input: null },
          ]),
  })
  const flows = ['Start -> Lead', 'Lead <-> Payer', 'Lead <-> Works', 'Lead -> End']
  const troupe = await opened({ agents: [lead, payer, works] })
  const ada = troupe.user('ada')
  const run = await ada.orchestra.start({ task: {}, topology: { agents: [lead, payer, works], flows } })
  const [item] = await until(async () => {
    const listed = await everything(ada)
    return listed.length > 0 && listed
  })
  const question = item?.questions[0]?.id ?? ''
  expect(item).toMatchObject({
    id: `run:${run.id}`,
    reason: 'question',
    questions: [{ text: 'Which?' }],
    uncertain: [],
  })
  const inProgress = { id: run.id, status: 'running', reason: 'question' }
  expect(await run.status()).toMatchObject({ status: 'running', reason: 'question' })
  expect((await ada.orchestra.list({ reason: 'question' })).items).toMatchObject([inProgress])
  expect((await troupe.listRuns({ status: 'waiting' })).items).toMatchObject([{ user: 'ada', ...inProgress }])
  expect((await troupe.listApprovals()).items).toEqual([{ user: 'ada', ...item }])
  await ada.approvals.answer(item?.id ?? '', question, 'red')
  expect(await everything(ada)).toEqual([])
  expect(await run.status()).toEqual({ status: 'running' })
  finished.resolve()
  expect((await run.result()).response).toEqual(['red', 'worked'])
})

it('user.approvals answers a question of a run and of a session, and both continue with the answer.', async () => {
  const troupe = await opened({ agents: [payer] })
  const ada = troupe.user('ada')
  const run = await ada.orchestra.start({ id: 'r', task: 'ask', topology: solo(payer) })
  await run.result()
  const session = ada.session(payer, { threadId: 't' })
  await session.generate('approve')
  const [first, second] = await everything(ada)
  await ada.approvals.answer(first?.id ?? '', first?.questions[0]?.id ?? '', 'red')
  expect((await run.result()).response).toBe('red')
  const [{ id, hash = '' } = { id: '' }] = second?.questions ?? []
  const approve = (value: object) => ada.approvals.answer(second?.id ?? '', id, value as never)
  await expect(approve({ approve: true, hash: 'x' })).rejects.toMatchObject({ code: 'approval.mismatch' })
  await approve({ approve: true, hash })
  await expect(approve({ approve: true, hash })).rejects.toMatchObject({ code: 'question.unknown' })
  expect(await everything(ada)).toEqual([])
  // The step that was parked in this process ends by itself.
  await until(
    async () => (await ada.orchestra.threads()).items[0]?.threadId === 't' && (await session.cancel()) === false,
  )
})

it('user.approvals cancels a waiting run and the open call of a session, and nothing else.', async () => {
  const troupe = await opened({ agents: [payer] })
  const { ada } = await deadLetter(troupe)
  const run = await ada.orchestra.start({ id: 'r', task: 'ask', topology: solo(payer) })
  await run.result()
  for (const [threadId, task] of [
    ['t', 'ask'],
    ['u', 'x'],
  ] as const)
    await ada.session(payer, { threadId }).run(task)
  const [handler] = (await everything(ada)).filter(({ origin }) => origin === 'handler')
  const { cancel } = { cancel: (id: string) => ada.approvals.cancel(id) }
  for (const id of ['run:r', 'session:t/Payer', 'session:u/Payer']) expect(await cancel(id)).toBe(true)
  expect((await run.result()).status).toBe('cancelled')
  await expect(cancel('run:r')).rejects.toMatchObject({ code: 'run.over' })
  for (const id of ['session:t/Payer', 'session:u/Payer', 'session:none/Payer', handler?.id ?? '', 'x'])
    expect(await cancel(id)).toBe(false)
  // The outcome of an effect stays unknown.
  expect((await everything(ada)).map(({ id }) => id)).toEqual([handler?.id, 'session:u/Payer'])
  expect(await ada.session(payer, { threadId: 't' }).generate('ask')).toMatchObject({ status: 'waiting' })
  const bob = troupe.user('bob').approvals
  expect(await bob.cancel('session:t/Payer')).toBe(false)
  const entries = (await troupe.audit.list({ operation: 'session.cancel' })).items
  expect(entries).toMatchObject([{ resource: 'u' }, { resource: 't' }])
})

it('user.approvals resolves an effect of a session, and the thread accepts the next message.', async () => {
  const troupe = await opened({ agents: [payer] })
  const ada = troupe.user('ada')
  const session = ada.session(payer, { threadId: 't' })
  await expect(session.chat('x')).rejects.toMatchObject({ code: 'effect.uncertain' })
  const { id, uncertain } = await one(ada)
  const [effect] = uncertain
  if (!effect) throw new Error('no effect is uncertain')
  await ada.approvals.resolve(id, effect, { happened: true, output: 'paid' })
  await expect(ada.approvals.resolve(id, effect, { happened: true })).rejects.toMatchObject({ code: 'effect.resolved' })
  expect(await everything(ada)).toEqual([])
  expect(await session.generate('ask')).toMatchObject({ status: 'waiting' })
})

it('user.approvals lists an uncertain effect of a run that has ended until it is resolved.', async () => {
  const troupe = await opened({ agents: [payer] })
  const ada = troupe.user('ada')
  const run = await ada.orchestra.start({ id: 'r', task: 'x', topology: solo(payer) })
  await run.result()
  await run.cancel()
  const { id, endedAt, reason, uncertain } = await one(ada)
  expect([id, typeof endedAt, reason]).toEqual(['run:r', 'string', undefined])
  await ada.approvals.resolve(id, uncertain[0] as never, { happened: false })
  expect(await everything(ada)).toEqual([])
})

it.each([[true], [false]])(
  'user.approvals resolves an effect of a message handler, and the redriven message uses the outcome; happened: %s.',
  async (happened) => {
    const { ada, handled, mailbox } = await deadLetter(await opened())
    const { id, uncertain } = await one(ada)
    await ada.approvals.resolve(id, uncertain[0] as never, happened ? { happened, output: 'receipt 7' } : { happened })
    await until(async () => handled.length > 0)
    expect(handled).toEqual([happened ? 'receipt 7' : 'paid 1'])
    await until(async () => (await mailbox.messages({ unreadOnly: true })).items.length === 0)
    expect(await mailbox.counts()).toMatchObject({ dead: 0, waiting: 0 })
    expect(await everything(ada)).toEqual([])
  },
)

it('A message whose effect without a key has happened stays a dead letter once it is resolved.', async () => {
  const { ada, handled, mailbox } = await deadLetter(await opened(), { key: false })
  const { id, uncertain } = await one(ada)
  await ada.approvals.resolve(id, uncertain[0] as never, { happened: true })
  expect(await everything(ada)).toEqual([])
  expect(await mailbox.counts()).toMatchObject({ dead: 1, waiting: 0 })
  expect(handled).toEqual([])
})

it('user.approvals redrives each message of a batch once its effects are resolved.', async () => {
  const { ada, handled, mailbox } = await deadLetter(await opened(), { batch: true })
  const { id, messages, uncertain } = await one(ada)
  expect(messages).toHaveLength(2)
  await ada.approvals.resolve(id, uncertain[0] as never, { happened: true, output: 'receipt 7' })
  await until(async () => handled.length === 2)
  expect(handled.toSorted()).toEqual(['paid 2', 'receipt 7'])
  await until(async () => (await mailbox.messages({ unreadOnly: true })).items.length === 0)
  expect(await mailbox.counts()).toMatchObject({ dead: 0, waiting: 0 })
})

it('user.approvals resolves nothing of a message handler while its mailbox is full.', async () => {
  const { ada, running, mailbox } = await deadLetter(await opened({ messaging: { capacity: { count: 1 } } }))
  await running.stop()
  await ada.agent('Shop').messages.send(Order, '2', { to: 'Desk' })
  const { id, uncertain } = await one(ada)
  const resolved = () => ada.approvals.resolve(id, uncertain[0] as never, { happened: true })
  await expect(resolved()).rejects.toMatchObject({ code: 'mailbox.full' })
  expect((await one(ada)).uncertain).toEqual(uncertain)
  await (await mailbox.receive())[0]?.ack()
  await resolved()
  expect(await mailbox.counts()).toMatchObject({ dead: 0, waiting: 1 })
})
