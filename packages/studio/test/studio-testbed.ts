/** A troupe with a team that asks before it acts, and a server for it. */
import {
  createTroupe,
  defineAgent,
  defineMessage,
  defineTool,
  finish,
  invoke,
  LlmAgent,
  type TopologyForm,
  type Troupe,
} from 'troupe'
import { type Served, serve } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

export const hostile = '<img src=x onerror="document.title=\'broken into\'">'
export const Order = defineMessage<{ readonly item: string }>('order.place')

export interface Played extends AsyncDisposable {
  readonly troupe: Troupe
  readonly server: Served
  /** What was sent out, once it was approved. */
  readonly sent: readonly string[]
}

interface PlayOptions {
  /** The text of the first letter. */
  readonly letter?: string
  /** The text that the reader writes beside the task. */
  readonly remark?: string
  /** Further agents. */
  readonly agents?: readonly LlmAgent[]
}

export async function play({
  letter = `Dear Bob, you are invited. ${hostile}`,
  remark = hostile,
  agents = [],
}: PlayOptions = {}): Promise<Played> {
  const sent: string[] = []
  const send = defineTool({
    name: 'send_letter',
    description: 'Sends a letter.',
    inputSchema: z.object({ to: z.string(), text: z.string() }),
    effect: 'at-most-once',
    needsApproval: true,
    execute: async ({ to }) => {
      sent.push(to)
      return { sent: true, to }
    },
  })
  const reader = defineAgent<string, string>({
    name: 'Reader',
    run: async (task, ctx) => {
      await ctx.context.push('letters.draft', { task, remark })
      return `Notes on ${task}`
    },
  })
  const clerk = new LlmAgent({
    name: 'Clerk',
    instructions: 'You send letters.',
    model: new MockModel({
      responses: [
        {
          text: '',
          toolCalls: [{ name: 'send_letter', args: { to: 'Bob', text: letter } }],
        },
        { text: 'The letter is sent.', usage: { inputTokens: 900, outputTokens: 100 } },
        // A fork of the run takes this answer, and is cancelled while it asks.
        { text: '', toolCalls: [{ name: 'send_letter', args: { to: 'Bob', text: 'Dear Bob, once more.' } }] },
        { text: '', toolCalls: [{ name: 'send_letter', args: { to: 'Cid', text: 'again' } }] },
        'Sent again.',
      ],
    }),
    tools: { send_letter: send },
  })
  const echo = defineAgent<string, string>({
    name: 'Echo',
    run: async (task, { history }) => {
      const before = history.map(({ from, text }) => `${from}: ${text}`)
      return finish(`You said: ${[...before, task].join(', ')}`) as never
    },
  })
  const mirror = defineAgent({ name: 'Mirror', run: async (task) => finish(task as never) })
  const slow = defineAgent({
    name: 'Slow',
    run: (_, ctx) =>
      new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error))),
  })
  const troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    agents: [reader, clerk, echo, mirror, slow, ...agents],
    teams: { letters: { agents: [reader, clerk], flows: ['Reader -> Clerk'] } },
    messaging: { maxAttempts: 1 },
    prices: { 'mock/mock': { input: 100, output: 1_000 } },
  })
  const server = await serve(troupe, { port: 0, authentication: 'required' })
  return {
    troupe,
    server,
    sent,
    async [Symbol.asyncDispose]() {
      await server.close()
      await troupe.close()
    },
  }
}

/** A team whose first agent invokes the second so many times in parallel, and answers with the number of results. */
export function fanOut(count: number): TopologyForm {
  const leaf = defineAgent({ name: 'Leaf', run: async (n: number) => n })
  const lead = defineAgent({
    name: 'Lead',
    run: async (input: { readonly results?: readonly unknown[] } | number) =>
      typeof input === 'object' && input.results
        ? finish(input.results.length)
        : invoke(Array.from({ length: count }, (_, n) => ({ agent: 'Leaf', input: n }))),
  })
  return { agents: [lead, leaf], flows: ['Start -> Lead', 'Lead <-> Leaf', 'Lead -> End'] }
}

/** A message that nobody could handle. */
export async function createDeadLetter(troupe: Troupe): Promise<void> {
  const user = troupe.user('default')
  await user.agent('Shop').messages.send(Order, { item: hostile }, { to: 'Stock' })
  const { mailbox } = user.agent('Stock')
  const [delivery] = await mailbox.receive({ max: 1, wait: '5s' })
  await delivery?.nack({ reason: 'out of stock' })
  for (let i = 0; i < 100 && (await mailbox.counts()).dead === 0; i++) await mailbox.receive({ max: 1 })
}
