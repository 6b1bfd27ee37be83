/** Health: entries, messages and the storage are checked without a probe of one's own, and agents get the alerts. */
import { createTroupe } from 'troupe'
import { createVirtualClock } from 'troupe/testing'

export async function main() {
  const clock = createVirtualClock()
  await using troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    clock,
    health: { lag: '1s', queue: 1_000 },
    alerts: { to: ['SystemAdmin', 'AlertManager'].map((agent) => ({ user: 'ops', agent })) },
  })
  const { status, checks } = await troupe.health()
  const ada = troupe.user('ada')
  const { tools } = ada.agent('Clerk')
  // The default rule `failing-calls` raises an alert above 5 % of at least 20 calls.
  for (let call = 0; call < 10; call++) {
    await tools.call('get_context', { limit: 5 })
    await tools.call('get_context', { key: 'none' })
  }
  await clock.advance('1m')
  const alertOf = async (agent: string) => {
    const [delivery] = await troupe.user('ops').agent(agent).mailbox.receive()
    await delivery?.ack()
    return delivery?.message.payload
  }
  return {
    status,
    healthy: checks.filter((check) => check.status === 'healthy').map(({ name }) => name),
    entries: (await ada.context.stats()).entries,
    alerts: [await alertOf('SystemAdmin'), await alertOf('AlertManager')],
  }
}

if (import.meta.main) console.log(await main())
