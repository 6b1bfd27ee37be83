/**
 * A process with runs that continue two threads: of an LlmAgent, and of a team. The messages of both threads are printed.
 *
 * node thread-child.ts DATABASE LEDGER; TROUPE_KILLS: the moment of its death, two for each commit: before the writer has it,
 * and when it is durable and its callers do not know.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { createTroupe, defineAgent, LlmAgent, patterns } from 'troupe'
import { MockModel, seededRandom, systemClock } from 'troupe/testing'

const [database = '', ledger = ''] = process.argv.slice(2)
const dieAt = process.env.TROUPE_KILLS ? Number(process.env.TROUPE_KILLS) : Number.POSITIVE_INFINITY
appendFileSync(ledger, '')

let killPoint = 0
const deadly = {
  ...systemClock,
  after(_: number, run: () => void) {
    if (killPoint++ === dieAt) process.kill(process.pid, 'SIGKILL')
    queueMicrotask(run)
    return () => {}
  },
}
const reply = ({ prompt }: { readonly prompt: readonly unknown[] }) => `answer to message ${prompt.length}`
const clerk = new LlmAgent({
  name: 'Clerk',
  model: new MockModel({ responses: Array.from({ length: 60 }, () => reply) }),
})
const count = defineAgent<string>({ name: 'Count', run: async (_, { history }) => `${history.length} before` })
const loud = defineAgent<string>({ name: 'Loud', run: async (text) => text.toUpperCase() })
const counters = patterns.pipeline({ stages: [{ agents: [count] }, { agents: [loud] }] })
const troupe = await createTroupe({
  storage: `sqlite:${database}`,
  agents: [clerk],
  teams: { counters },
  log: 'silent',
  faults: { clock: deadly, random: seededRandom('no fault'), delayMs: 1 },
} as never)
const { orchestra } = troupe.user('ada')
const identical: boolean[] = []
for (const n of [1, 2])
  for (const [threadId, reference] of [
    ['alone', { agent: 'Clerk' }],
    ['together', { team: 'counters' }],
  ] as const) {
    const run = await orchestra.start({ id: `${threadId}-${n}`, task: `task ${n}`, threadId, ...reference })
    await run.result()
    identical.push((await orchestra.verifyReplay(run.id)).identical)
  }
const threads = []
for (const id of ['alone', 'together']) {
  const { turns, messages, run } = await orchestra.thread(id)
  threads.push({ turns, run, messages: messages.map(({ role, text, run: by }) => [role, text, by]) })
}
writeSync(1, JSON.stringify({ threads, identical }))
await troupe.close()
