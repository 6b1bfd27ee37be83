/** A team with one of each kind of end: done, failed, waiting for a person, never. */
import { defineAgent, defineConfig, defineTool, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  inputSchema: z.object({ amount: z.number() }),
  effect: 'at-most-once',
  needsApproval: true,
  execute: async ({ amount }) => ({ paid: amount }),
})
/** By what it was told: each process begins the script anew. */
const isPaid = ({ prompt }: { readonly prompt: readonly { readonly role: string }[] }) =>
  prompt.some(({ role }) => role === 'tool')
const responses = [
  { match: isPaid, text: 'It is paid.' },
  { match: () => true, text: '', toolCalls: [{ name: 'pay', args: { amount: 5 } }] },
]

const echo = defineAgent({ name: 'Echo', run: (task: unknown) => `You said ${String(task)}` })

export default defineConfig({
  storage: 'sqlite:./data/troupe.db',
  prices: { 'mock/mock': { input: 100, output: 1_000 } },
  agents: [
    echo,
    defineAgent({
      name: 'Broken',
      run: () => {
        throw new Error('out of \u001b[31mpaper')
      },
    }),
    defineAgent({
      name: 'Poster',
      run: (_: unknown, ctx) => ctx.effect('post', { class: 'at-most-once', input: {} }, async () => 'posted'),
    }),
    new LlmAgent({ name: 'Payer', model: new MockModel({ responses }), tools: { pay } }),
    defineAgent({
      name: 'Signer',
      run: (_: unknown, ctx) => ctx.ask({ kind: 'approval', text: 'Pay \u0430dmin?' }),
    }),
    // Each model call takes a moment, and costs.
    new LlmAgent({
      name: 'Thinker',
      model: new MockModel({
        responses: [{ text: 'thought', latency: 1_500, usage: { inputTokens: 900, outputTokens: 100 } }],
      }),
    }),
    // Whoever kills it leaves an effect of which nobody knows whether it happened.
    defineAgent({
      name: 'Doubtful',
      run: (_: unknown, ctx) => {
        const post = () =>
          new Promise<string>((resolve) => {
            process.stderr.write('The letter goes out.\n')
            setTimeout(resolve, 120_000, 'sent')
          })
        return ctx.effect('post', { class: 'at-most-once', key: 'letter-1', input: { to: 'Ada' } }, post)
      },
    }),
    defineAgent({
      name: 'Slow',
      run: (_: unknown, ctx) =>
        new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
    }),
  ],
  teams: { echo: { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] } },
})
