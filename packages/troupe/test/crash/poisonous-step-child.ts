/**
 * A process with ten steps that record nothing while they work, in one run or in ten; the step of the agent Poison kills
 * its process.
 *
 * node poisonous-step-child.ts DATABASE LEDGER one-run|ten-runs: each start of Poison is a line of the ledger; the status of each branch or run is printed.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { type Agent, createTroupe, defineAgent, finish, invoke } from 'troupe'

const [database = '', ledger = '', runs = ''] = process.argv.slice(2)
const innocent = (name: string) =>
  defineAgent({
    name,
    run: async () => {
      await setTimeout(400)
      return name
    },
  })
const poison = defineAgent({
  name: 'Poison',
  run: async () => {
    appendFileSync(ledger, 'started\n')
    await setTimeout(200)
    process.kill(process.pid, 'SIGKILL')
    return setTimeout(60_000, 'never')
  },
})
const workers = [...Array.from({ length: 9 }, (_, i) => innocent(`Worker${i + 1}`))]
workers.splice(4, 0, poison)
const lead = defineAgent({
  name: 'Lead',
  run: async (input) =>
    input === 't' ? invoke(workers.map(({ name }) => ({ agent: name, input: 0 }))) : finish('met'),
})
const agents = [lead, ...workers]
const troupe = await createTroupe({ storage: `sqlite:${database}`, agents, log: 'silent' })
const { orchestra } = troupe.user('ada')
const start = (id: string, agents: readonly Agent[], flows: readonly string[]) =>
  orchestra.start({
    id,
    task: 't',
    topology: { agents: [...agents], flows: [...flows] },
    config: { onFailure: 'collect' },
  })

const statuses: Record<string, string | undefined> = {}
if (runs === 'one-run') {
  const flows = ['Start -> Lead', ...workers.map(({ name }) => `Lead <-> ${name}`), 'Lead -> End']
  const { branchResults } = await (await start('r', agents, flows)).result()
  for (const { agent, status, error } of branchResults) statuses[agent] = error?.code ?? status
} else {
  const started = workers.map(async (agent) => {
    const run = await start(agent.name, [agent], [`Start -> ${agent.name}`, `${agent.name} -> End`])
    const { status, error } = await run.result()
    statuses[agent.name] = error?.code ?? status
  })
  await Promise.all(started)
}
writeSync(1, JSON.stringify(statuses))
await troupe.close()
