/** Troupes in memory that are closed after each test, and the smallest teams. */
import { afterEach } from 'vitest'
import { type Agent, createTroupe, defineAgent, patterns, type Run, type RunEvent, type Troupe } from '../index.ts'

type Config = Partial<Parameters<typeof createTroupe>[0]>

/** To be called once in a file of tests. */
export function troupesOfTests() {
  const open: Troupe[] = []
  const opened = async (config: Config = {}) => {
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
    open.push(troupe)
    return troupe
  }
  const closeAll = async () => {
    for (const troupe of open.splice(0)) await troupe.close()
  }
  afterEach(closeAll)
  return { opened, closeAll, ada: async (config?: Config) => (await opened(config)).user('ada') }
}

/** @param more flows */
export const solo = (agent: Agent, ...more: string[]) => ({
  agents: [agent],
  flows: [`Start -> ${agent.name}`, `${agent.name} -> End`, ...more],
})
export const pipe = (...agents: Agent[]) => patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) })
export const echo = (name: string) => defineAgent<string>({ name, run: async (input) => `${input}>${name}` })
export const bad = (name: string) =>
  defineAgent({
    name,
    run: () => {
      throw new Error('no luck')
    },
  })

export async function eventsOf(run: Run, until?: RunEvent['type']): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  for await (const event of run.events()) {
    events.push(event)
    if (event.type === until) break
  }
  return events
}
