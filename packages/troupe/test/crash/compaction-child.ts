/**
 * A process with a run whose model uses a tool fourteen times, so that its conversation is summarised several times. The second
 * request for a summary kills its process while `TROUPE_KILLS` is set.
 *
 * node compaction-child.ts DATABASE LEDGER: each call of the model is a line of the ledger; the result is printed.
 */
import { appendFileSync, readFileSync, writeSync } from 'node:fs'
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { type MockItem, MockModel } from 'troupe/testing'
import { z } from 'zod'

const [database = '', ledger = ''] = process.argv.slice(2)
const parcels = 14
appendFileSync(ledger, '')

/** Reads how far the work is from the prompt alone, as a model does. */
const reply: MockItem = ({ prompt }) => {
  const text = JSON.stringify(prompt)
  const done = Math.max(0, ...[...text.matchAll(/parcel (\d+) is blue/g)].map(([, n]) => Number(n)))
  const isSummary = text.includes('Summarise the conversation')
  appendFileSync(ledger, `${isSummary ? 'summary' : 'answer'} ${done}\n`)
  const summaries = readFileSync(ledger, 'utf8').match(/summary/g)?.length ?? 0
  if (isSummary && summaries === 2 && process.env.TROUPE_KILLS) process.kill(process.pid, 'SIGKILL')
  if (isSummary) return `So far parcel ${done} is blue.`
  return done === parcels ? 'All are blue.' : { toolCalls: [{ name: 'look', args: { n: done + 1 } }] }
}
const look = defineTool({
  name: 'look',
  description: 'Looks up a parcel.',
  inputSchema: z.object({ n: z.number() }),
  effect: 'read',
  execute: async ({ n }) => `parcel ${n} is blue, ${'as it was yesterday, '.repeat(20)}`,
})
const clerk = new LlmAgent({
  name: 'Clerk',
  instructions: 'Look up each parcel.',
  model: new MockModel({ responses: Array.from({ length: 60 }, () => reply) }),
  tools: { look },
  memory: { compaction: { at: 800, retainTurns: 2 } },
})
const troupe = await createTroupe({ storage: `sqlite:${database}`, agents: [clerk], log: 'silent' })
const { orchestra } = troupe.user('ada')
const topology = { agents: [clerk], flows: ['Start -> Clerk', 'Clerk -> End'] }
const run = await orchestra.start({ id: 'r', task: 'Look up all parcels.', topology })
const { status, response, usage } = await run.result()
const { identical } = await orchestra.verifyReplay('r')
writeSync(1, JSON.stringify({ status, response, usage, identical }))
await troupe.close()
