/** A troupe with something to show in every view, and the addresses of the views. */
import { defineAgent, defineTool, ExternalServiceError, finish, LlmAgent } from 'troupe'
import { exactMatch, parseDataset } from 'troupe/operations'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'
import { createDeadLetter, Order, type Played, play } from './studio-testbed.ts'

export interface Showcase extends Played {
  /** The address of each view behind the `#`, by the name of its picture. */
  readonly addresses: Readonly<Record<string, string>>
}

const broken = (text: string, name: string) =>
  defineAgent({
    name,
    run: async () => {
      throw new Error(text)
    },
  })
const cut = defineAgent({
  name: 'Sender',
  run: async (_, ctx) =>
    finish(
      (await ctx.effect(
        'publish_feed',
        { class: 'at-most-once', key: 'feed-2026-11-22', input: { shop: 'nord' } },
        () => {
          throw new ExternalServiceError('The connection was cut off.', { code: 'outcome.unknown' })
        },
      )) as never,
    ),
})
const lead = defineAgent({
  name: 'Lead',
  run: async (_, ctx) =>
    finish(
      await ctx.ask({
        text: 'Compare list prices only, or with discounts?',
        options: ['list prices', 'with discounts'],
      }),
    ),
})
const leadTeam = { agents: [lead], flows: ['Start -> Lead', 'Lead <-> User', 'Lead -> End'] }

/** Answers two messages, the second one with a tool. */
function createSupport(): LlmAgent {
  const move = defineTool({
    name: 'move_delivery',
    description: 'Moves a delivery to another day.',
    inputSchema: z.object({ order: z.string(), to: z.string() }),
    effect: 'idempotent',
    execute: ({ to }) => ({ moved: true, to, between: '9:00 and 12:00' }),
  })
  const model = new MockModel({
    responses: [
      { text: 'Yes, until Thursday evening. Which day suits you?', usage: { inputTokens: 310, outputTokens: 12 } },
      { toolCalls: [{ name: 'move_delivery', args: { order: '48190', to: '2026-11-30' } }] },
      {
        text: 'Order 48190 now arrives on Monday, 30 November, between 9:00 and 12:00.',
        usage: { inputTokens: 420, outputTokens: 24 },
      },
    ],
  })
  return new LlmAgent({ name: 'Support', instructions: 'You help customers.', model, tools: { move_delivery: move } })
}

export async function createShowcase(): Promise<Showcase> {
  const played = await play({
    letter: 'Dear Bob, we are sorry that your kettle arrived broken. A new one is on its way.',
    remark: 'The kettle is still under warranty.',
    agents: [createSupport()],
  })
  const { troupe } = played
  const user = troupe.user('default')
  const { orchestra } = user
  const asking = await orchestra.start({ team: 'letters', task: 'Write to Bob that the kettle arrived broken' })
  await orchestra.start({ task: 'Prices of five heat pump makers, with sources', topology: leadTeam as never })
  await orchestra.start({ task: 'Nightly catalogue, 22 November', agent: cut })
  for (const [i, word] of ['delivery date', 'invoice 2291', 'open complaints'].entries())
    await orchestra.run({ agent: 'Echo', task: `Ask about the ${word}`, tags: ['support', `week-${i + 40}`] })
  const failed = await orchestra.start({
    agent: broken('The shop rejects price null.', 'Catalogue'),
    task: 'Nightly catalogue',
  })
  for (const task of ['Catalogue of the north', 'Catalogue of the south'])
    await orchestra.start({ agent: broken('The shop rejects price null.', 'Catalogue'), task })
  await orchestra.start({ agent: broken('The printer is out of paper.', 'Printer'), task: 'Print the menu' })
  await orchestra.start({ agent: 'Slow', task: 'Watch the parcel 48190 until it arrives' })
  await orchestra.run({ agent: 'Support', task: 'Can I change the delivery date?', threadId: 'delivery' })
  await orchestra.run({ agent: 'Support', task: 'To Monday, please', threadId: 'delivery' })
  await user.context.push('orders.48190.state', 'in transit')
  await user.context.push('orders.48190.address', { city: 'Kiel', street: 'A long street name which goes on, 17' })
  await user.context.push('letters.draft', 'Dear Bob,\n\nyour kettle arrived broken.')
  await user.context.push('letters.draft', 'Dear Bob,\n\nwe are sorry that your kettle arrived broken.')
  const { messages } = user.agent('Shop')
  for (let i = 0; i < 3; i++) await messages.send(Order, { item: `kettle ${i}` }, { to: 'Store', threadId: 'kettles' })
  const sent = await messages.send(Order, { item: 'teapot' }, { to: 'Store', priority: 'urgent' })
  await createDeadLetter(troupe)
  await user.schedules.create({ id: 'nightly-catalogue', team: 'letters', task: 'x', every: '1d' })
  await user.schedules.create({ id: 'reminder', agent: 'Echo', task: 'x', in: '3h' })
  await user.schedules.pause('reminder')
  const { id: apiKey } = await troupe.apiKeys.create({ name: 'deploy', users: ['default'], role: 'readonly' })
  const dataset = parseDataset(
    'answers',
    '{"id":"good","input":"a","expected":"a"}\n{"id":"bad","input":"b","expected":"c"}',
  )
  for (const id of ['first', 'second'])
    await user.experiments.evaluate({ id, dataset, agent: 'Mirror', scorers: { exact: exactMatch } })
  for (let i = 0; i < 200 && (await asking.result()).status !== 'waiting'; i++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  const { id, at } = (await troupe.audit.list({ limit: 1 })).items[0] ?? { id: '', at: 0 }
  const run = `runs/${asking.id}`
  return {
    ...played,
    addresses: {
      home: 'home',
      runs: 'runs',
      'runs-none': 'runs?search=teapots',
      run,
      'run-step': `${run}?tab=steps&step=${encodeURIComponent('1#1')}`,
      'run-events': `${run}?tab=events&event=2`,
      'run-why': `${run}?tab=why`,
      'run-time': `${run}?tab=time&at=7`,
      'run-fork': `runs/${failed.id}?tab=time&at=2&fork=true`,
      'run-debug': `${run}?tab=debug`,
      'run-compare': `${run}?tab=compare&other=${encodeURIComponent(failed.id)}`,
      'run-failed': `runs/${failed.id}`,
      'run-unknown': 'runs/nowhere',
      chat: 'chat',
      'chat-thread': 'chat?with=Support&thread=delivery',
      context: 'context',
      'context-tree': 'context?tab=tree',
      'context-entry': 'context?key=letters.draft',
      messages: 'messages',
      mailbox: 'messages/Store',
      'mailbox-dead': 'messages/Stock',
      message: `messages/Store?message=${sent.id}`,
      teams: 'teams',
      team: 'teams/letters',
      agents: 'agents',
      agent: 'agents/Clerk',
      schedules: 'schedules',
      schedule: 'schedules?schedule=nightly-catalogue',
      evaluations: 'evaluations',
      evaluation: 'evaluations/first',
      playground: 'playground',
      'playground-call': `playground?tab=call&run=${encodeURIComponent(asking.id)}`,
      try: 'try',
      usage: 'usage',
      health: 'health',
      keys: 'keys',
      key: `keys?apiKey=${apiKey}`,
      audit: 'audit',
      'audit-record': `audit?record=${id}&at=${Number(new Date(at))}`,
      settings: 'settings',
      unknown: 'nowhere',
    },
    [Symbol.asyncDispose]: () => played[Symbol.asyncDispose](),
  }
}
