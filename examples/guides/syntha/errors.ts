/** What can go wrong in a call, by kind: a result with what to do, and a class of error for those who catch. */
import { createTroupe, defineAgent, defineTool, ExternalServiceError, LlmAgent, TroupeError } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const incidents: unknown[] = []
  // Every refusal is recorded by itself, without what it was about.
  troupe.on('incident.recorded', ({ agent, action, code }) => incidents.push({ agent, action, code }))

  const reader = ada.agent('Reader', { role: 'readonly' })
  await ada.agent('Clerk').context.push('orders.17.status', 'paid')
  const denied = await reader.tools.call('push_context', { key: 'k', value: 'v' })
  const missing = await reader.tools.call('get_context', { key: 'orders.17.state' })
  const mistaken = await reader.tools.call('get_context', { kye: 'orders.17.status' })

  // A tool that may pass is tried again, with pauses that double; the model sees only how it ended.
  let attempts = 0
  const rates = defineTool({
    name: 'rates',
    description: 'The rate of a currency.',
    inputSchema: z.object({ currency: z.string() }),
    effect: 'read',
    execute: ({ currency }) => {
      if (++attempts < 3) throw new ExternalServiceError('The bank is busy.', { retryable: true })
      return `${currency} 1.08`
    },
  })
  const model = new MockModel({
    responses: [{ toolCalls: [{ name: 'rates', args: { currency: 'EUR' } }] }, 'It is 1.08.'],
  })
  const answer = await ada.session(new LlmAgent({ name: 'Banker', model, tools: { rates } })).run('What is the euro?')

  const failing = defineAgent({ name: 'Failing', run: () => Promise.reject(new Error('out of order')) })
  const failed = await ada.session(failing).run('x')
  const caught = await reader.context.push('k', 1).catch((error: unknown) => error)
  return {
    denied: { code: denied.code, tools: denied.available_tools },
    missing: { code: missing.code, similar: missing.similar_keys },
    mistaken: mistaken.code,
    attempts,
    answer: answer.text,
    failed: failed.success,
    caught: caught instanceof TroupeError ? [caught.name, caught.code, caught.retryable] : caught,
    incidents,
  }
}

if (import.meta.main) console.log(await main())
