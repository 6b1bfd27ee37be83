/** Does the agent answer, do the services, is there memory and disk left? A check that fails says so and stops no other. */
import { statfs } from 'node:fs/promises'
import { createTroupe, LlmAgent, type User } from 'troupe'
import { MockModel } from 'troupe/testing'

export type Check = () => Promise<boolean>

const mostUsed = 0.9

/** Asks the model, which may cost: check it as often as that is worth. */
export const answers =
  (user: User, agent: LlmAgent): Check =>
  async () => {
    const text = await user.session(agent).chat('Health check', { signal: AbortSignal.timeout(5_000) })
    return text.length > 0
  }
/** Of what this process may use: in a container that is less than the machine has. */
export const memory: Check = async () => {
  const used = process.memoryUsage.rss()
  return used / (used + process.availableMemory()) < mostUsed
}
export const disk =
  (path: string): Check =>
  async () => {
    const { blocks, bavail } = await statfs(path)
    return 1 - bavail / blocks < mostUsed
  }

export async function checkHealth(checks: Readonly<Record<string, Check>>) {
  const run = async ([name, check]: [string, Check]) => [name, await check().catch(() => false)] as const
  const results = Object.fromEntries(await Promise.all(Object.entries(checks).map(run)))
  const status = Object.values(results).every(Boolean) ? 'healthy' : 'unhealthy'
  return { status, timestamp: new Date().toISOString(), checks: results }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  const well = new LlmAgent({ name: 'Well', model: new MockModel({ responses: ['I am well.'] }) })
  const down = well.with({ model: new MockModel({ responses: [new Error('down')] }) })
  const good = await checkHealth({ agent_responsive: answers(ada, well), external_services: async () => true })
  const bad = await checkHealth({ agent_responsive: answers(ada, down), external_services: async () => true })
  const machine = await checkHealth({ memory_usage: memory, disk_space: disk('.') })
  return { good: good.status, bad: [bad.status, bad.checks], measured: Object.keys(machine.checks) }
}

if (import.meta.main) console.log(await main())
