/**
 * Clients that share one user's context and mailboxes while the process that serves them is killed, its disk fails and its
 * clock jumps. What they saw is recorded and judged by the checkers.
 */

import type { Anomaly, Disk, Simulation, SimulationScenario } from '../../src/testing/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { counterClients, registerClients, setClients } from './context-clients.ts'
import { watcher } from './context-watcher.ts'
import { mailboxClients } from './mailbox-clients.ts'
import type { Server } from './simulated-client.ts'

const startServer = (simulation: Simulation, disk: Disk): Server =>
  simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({
        storage: 'memory:',
        clock,
        random,
        faults: faults(disk),
        log: 'silent',
        messaging: { lease: '5s', maxAttempts: 6 },
      }),
    { kills: 2, within: 500 },
  )

const scenario: SimulationScenario = async (simulation) => {
  const { random } = simulation
  const server = startServer(simulation, simulation.disk())
  // A lease is a time on the wall: where that jumps, a lease may end early.
  const jumping = random.next() < 0.5
  const parts = [
    ...[registerClients, counterClients, setClients, watcher].map((part) => part(simulation, server)),
    mailboxClients(simulation, server, jumping),
  ]
  const jumps = async () => {
    for (let i = 0; jumping && i < 3; i++) {
      await simulation.sleep(2_000 * random.next())
      server.skew((random.next() - 0.5) * 20_000)
    }
  }
  await Promise.all([...parts.map(({ run }) => run()), jumps()])
  simulation.heal()
  // Leases run out, a full disk is found to have room again.
  await simulation.sleep(60_000)
  const anomalies: Anomaly[] = []
  for (const part of parts) anomalies.push(...(await part.judge()))
  await server.call((service) => service.close())
  if (anomalies.length > 0) throw new Error(anomalies.map(({ rule, message }) => `${rule}: ${message}`).join('\n'))
}
export default scenario
