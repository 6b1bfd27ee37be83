/** Does the agent answer, do the services, is there memory and disk left? A check that fails says so and stops no other. */
import { createTroupe, LlmAgent, type Troupe } from 'troupe'
import { createVirtualClock, MockModel } from 'troupe/testing'

type Responses = ConstructorParameters<typeof MockModel>[0]['responses']

const statuses = async (troupe: Troupe) => {
  const { status, checks } = await troupe.health()
  return { status, ...Object.fromEntries(checks.map((check) => [check.name, check.status])) }
}

async function ofAgent(responses: Responses) {
  const clock = createVirtualClock()
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', clock })
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Checked', model: new MockModel({ responses }) }))
  const { healthMonitor } = troupe
  // Asks the model, which may cost: its answer is good for an hour.
  healthMonitor.register(
    'agent_responsive',
    async ({ signal }) => (await session.chat('Health check', { signal })) !== '',
    { timeout: '5s', interval: '1h' },
  )
  healthMonitor.register('external_services', async () => true)
  const found = statuses(troupe)
  await clock.advance('10s')
  return await found
}

/** Beyond 0.9 of what there is, unless something else is said. */
async function ofMachine(limit: number) {
  const health = { memory: limit, disk: limit }
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', health })
  return await statuses(troupe)
}

export async function main() {
  return {
    well: await ofAgent(['I am well.']),
    down: await ofAgent([new Error('down')]),
    slow: await ofAgent([{ text: 'I am … well.', latency: '6s' }]),
    free: await ofMachine(1),
    full: await ofMachine(0.000_001),
  }
}

if (import.meta.main) console.log(await main())
