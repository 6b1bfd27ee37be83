/**
 * Shared context of a process that is killed: sums of accounts hold, the log has each value once, watchers of different
 * rights see the last state of each key and see changes soon, short-lived entries end, a rate holds, and an erased user has
 * no data.
 */

import type { Troupe } from '../../src/index.ts'
import type { NodeHandle, Simulation, SimulationScenario } from '../../src/testing/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { type Acknowledged, clientOf, createEntryClients, judgeEntries } from './entry-clients.ts'
import { createEntryWatcher } from './entry-watcher.ts'
import { insistOn } from './repeating-client.ts'

/** The longest time until a watcher sees a change when everything is repaired. */
const soonMs = 5_000

function startServer(simulation: Simulation): NodeHandle<Troupe> {
  const disk = simulation.disk()
  return simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({
        storage: 'memory:',
        clock,
        random,
        faults: faults(disk),
        log: 'silent',
        context: { cleanup: '2s', lifecycles: { brief: { ttl: '2s' } } },
      }),
    { kills: 4, within: 400 },
  )
}

/** Writes a signal, whose change and whose end each watcher must see soon. */
async function trySignal(
  simulation: Simulation,
  server: NodeHandle<Troupe>,
  watchers: readonly ReturnType<typeof createEntryWatcher>[],
): Promise<readonly string[]> {
  const insist = insistOn(simulation, server)
  await insist(async (service) => {
    await clientOf(service, 'A').push('signal', true, { ttl: '20s' })
  })
  const written = simulation.clock.monotonic()
  await simulation.sleep(soonMs)
  const unseen = watchers.filter(({ arrival }) => (arrival('signal') ?? 0) < written - 1_000)
  await simulation.sleep(20_000)
  const unended = watchers.filter(({ arrival }) => (arrival('signal') ?? 0) < written + 15_000)
  return [
    ...(unseen.length > 0 ? [`${unseen.length} watchers did not see a change within ${soonMs} ms`] : []),
    ...(unended.length > 0 ? [`${unended.length} watchers did not see an entry expire within ${soonMs} ms`] : []),
  ]
}

const scenario: SimulationScenario = async (simulation) => {
  const server = startServer(simulation)
  const known: Acknowledged = { logged: [], allowed: [], erased: [], problems: [] }
  const clients = createEntryClients(simulation, server, known)
  await clients.open()
  const watchers = ['Reader', 'Member', 'A'].map((agent) => createEntryWatcher(simulation, server, agent))
  const watching = watchers.map((watcher) => watcher.run())
  await Promise.all([
    clients.write(),
    clients.transfer(),
    clients.audit(),
    clients.log(),
    clients.membership(),
    clients.rates(),
    clients.erase(),
  ])
  simulation.heal()
  // A full disk is found to have room.
  await simulation.sleep(60_000)
  const late = await trySignal(simulation, server, watchers)
  for (const watcher of watchers) watcher.stop()
  await Promise.all(watching)
  const problems = [
    ...late,
    ...(await insistOn(simulation, server)((service) => judgeEntries(service, known))),
    ...(await Promise.all(watchers.map((watcher) => watcher.judge()))).flat(),
  ]
  if (problems.length > 0) throw new Error(problems.join('\n'))
  await server.call((service) => service.close())
}
export default scenario
