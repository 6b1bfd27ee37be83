/** The `ctx` of a handler is built where that of a step is: each member works, and works once over restarts. */
import { afterEach, expect, test } from 'vitest'
import { createTroupe, defineMessage, type HandlerContext, type Troupe, Worker } from '../../index.ts'

const Note = defineMessage<string>('note')
const Ask = defineMessage<string, string>('ask')

const troupes: Troupe[] = []
afterEach(async () => {
  for (const troupe of troupes.splice(0)) await troupe.close()
})

/** Handles one message as W, and returns what the handler returned to a request. */
async function handled(handle: (ctx: HandlerContext) => unknown): Promise<unknown> {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  troupes.push(troupe)
  const user = troupe.user('ada')
  const helper = new Worker('Helper').on(Ask, ({ payload }) => `${payload}!`)
  const worker = new Worker('W').on(Note, async (_, ctx) => handle(ctx))
  for (const one of [helper, worker]) await user.start(one)
  return user.agent('A').messages.request(Note, 'x', { to: 'W', timeout: '10s' })
}

const members: Readonly<Record<string, readonly [(ctx: HandlerContext) => unknown, unknown]>> = {
  agent: [({ agent }) => agent, 'W'],
  attempt: [({ attempt }) => attempt, 1],
  runId: [({ runId }) => String(runId), 'undefined'],
  signal: [({ signal }) => signal.aborted, false],
  context: [
    async ({ context }) => {
      await context.push('k', 1)
      return (await context.get('k')) ?? null
    },
    1,
  ],
  messages: [async ({ messages }) => (await messages.send(Note, 'y', { to: 'Other' })).to, 'Other'],
  request: [({ request }) => request(Ask, 'well', { to: 'Helper' }), 'well!'],
  metrics: [
    async ({ metrics, commit }) => {
      await metrics.record('orders', 2)
      await commit()
      return (await metrics.summary('orders')).count
    },
    1,
  ],
  effect: [({ effect }) => effect('add', { class: 'at-most-once' }, () => 3), 3],
  declassify: [({ declassify }) => declassify(4, 'a number'), 4],
  commit: [async ({ commit }) => (await commit()) ?? null, null],
  now: [({ now }) => typeof now(), 'number'],
  random: [({ random }) => random() < 1, true],
}

test.each(Object.keys(members))('ctx.%s of a handler works as in a step.', async (name) => {
  const [use, expected] = members[name] ?? []
  expect(await handled((ctx) => use?.(ctx))).toEqual(expected)
})

test('ctx.declassify of a handler needs a reason.', async () => {
  const codes: unknown[] = []
  await handled(async ({ declassify }) => {
    for (const reason of [undefined, '', 3])
      await declassify(1, reason as never).catch((error: { readonly code: string }) => codes.push(error.code))
    return null
  })
  expect(codes).toEqual(['validation.failed', 'validation.failed', 'validation.failed'])
})

test('The ctx of a handler has the members of the table, and no others but those that ask a person, start a run or execute code.', async () => {
  let names: readonly string[] = []
  await handled((ctx) => {
    names = Object.keys(ctx)
    return null
  })
  expect(names.toSorted()).toEqual([...Object.keys(members), 'ask', 'sandbox', 'startRun'].toSorted())
})
