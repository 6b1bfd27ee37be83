/**
 * A process with a run whose model reads a letter of strangers behind a handle, asks about it, notes it and sends it. Each
 * reading of the letter gives another text, so that a value that was read again shows.
 *
 * node handle-child.ts DATABASE LEDGER: what tools do, what the planner sees and what is wrong are lines of the ledger; the
 * result is printed. TROUPE_KILLS: the moment of its death, two for each commit: before the writer has it, and when it is
 * durable and its callers do not know.
 */
import { appendFileSync, readFileSync, writeSync } from 'node:fs'
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { type MockItem, MockModel, seededRandom, systemClock } from 'troupe/testing'
import { z } from 'zod'

const [database = '', ledger = ''] = process.argv.slice(2)
const dieAt = process.env.TROUPE_KILLS ? Number(process.env.TROUPE_KILLS) : Number.POSITIVE_INFINITY
appendFileSync(ledger, '')
const write = (line: string) => appendFileSync(ledger, `${line}\n`)
const readings = () =>
  readFileSync(ledger, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('read ')).length

let killPoint = 0
const deadly = {
  ...systemClock,
  after(_: number, run: () => void) {
    if (killPoint++ === dieAt) process.kill(process.pid, 'SIGKILL')
    queueMicrotask(run)
    return () => {}
  },
}

/** Reads how far the work is from the prompt alone, as a model does. */
const reply: MockItem = ({ prompt, tools = [] }) => {
  const text = JSON.stringify(prompt)
  if (tools.length === 0) return 'yes'
  if (text.includes('LETTER')) write('wrong: the planner reads the letter')
  const [handle] = text.match(/handle:[0-9a-f]{32}/) ?? []
  const call = (name: string, args: object) => ({ toolCalls: [{ name, args }] })
  if (handle === undefined) return call('letter', {})
  write(`handle ${handle}`)
  const has = (tool: string) => text.includes(`"toolName":"${tool}"`)
  if (!has('query_handle'))
    return call('query_handle', { handle, question: 'Is it a letter?', type: 'one_of', options: ['yes', 'no'] })
  if (!has('note')) return call('note', { text: handle })
  if (!has('send')) return call('send', { text: `It says: ${handle}` })
  return 'Sent.'
}
const acting = (name: string) =>
  defineTool({
    name,
    description: 'Does it.',
    inputSchema: z.object({ text: z.string() }),
    effect: 'idempotent',
    execute: ({ text }) => {
      write(`${name} ${text}`)
      return 'done'
    },
  })
const letter = defineTool({
  name: 'letter',
  description: 'Reads a letter.',
  inputSchema: z.object({}),
  effect: 'read',
  untrusted: 'mail',
  execute: () => {
    const text = `LETTER ${readings() + 1}`
    write(`read ${text}`)
    return text
  },
})
const clerk = new LlmAgent({
  name: 'Clerk',
  instructions: 'Answer the letter.',
  model: new MockModel({ responses: Array.from({ length: 60 }, () => reply) }),
  tools: { letter, note: acting('note'), send: acting('send') },
  untrusted: 'hide',
})
const troupe = await createTroupe({
  storage: `sqlite:${database}`,
  agents: [clerk],
  log: 'silent',
  faults: { clock: deadly, random: seededRandom('no fault'), delayMs: 1 },
} as never)
const { orchestra } = troupe.user('ada')
const topology = { agents: [clerk], flows: ['Start -> Clerk', 'Clerk -> End'] }
const run = await orchestra.start({ id: 'r', task: 'Answer the letter.', topology })
const { status, response, taint } = await run.result()
const { identical } = await orchestra.verifyReplay('r')
writeSync(1, JSON.stringify({ status, response, taint, identical }))
await troupe.close()
