/**
 * A process with a run of two agents: the first kills its process while `TROUPE_KILLS` is set, the second takes over where
 * the first has failed.
 *
 * node crashing-step-child.ts DATABASE LEDGER fail|fallback: each start of the first agent is a line of the ledger; the result is printed.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { createTroupe, defineAgent } from 'troupe'

const [database = '', ledger = '', onError = ''] = process.argv.slice(2)
const worker = defineAgent({
  name: 'Worker',
  run: async () => {
    appendFileSync(ledger, 'started\n')
    if (process.env.TROUPE_KILLS) process.kill(process.pid, 'SIGKILL')
    return 'worked'
  },
})
const substitute = defineAgent({ name: 'Substitute', run: async () => 'substituted' })
const isSubstituted = onError === 'fallback'
const agents = isSubstituted ? [worker, substitute] : [worker]
const troupe = await createTroupe({ storage: `sqlite:${database}`, agents, log: 'silent' })
const run = await troupe.user('ada').orchestra.start({
  id: 'r',
  task: 't',
  topology: { agents, flows: ['Start -> Worker', 'Worker -> End', ...(isSubstituted ? ['Substitute -> End'] : [])] },
  config: { onError: isSubstituted ? { 'step.crashed': { agent: 'Substitute' } } : {} },
})
const { status, response, error } = await run.result()
writeSync(1, JSON.stringify({ status, response, code: error?.code ?? null }))
await troupe.close()
