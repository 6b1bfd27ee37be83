/**
 * A process that works on the runs of a database until it is killed. Told `{ start: RUN, user, ledger }` it starts one.
 *
 * node worker-child.ts STORAGE LEASE, with an IPC channel
 */
import type { Duration } from '../../src/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { createTeam } from './payment-team.ts'

const [storage = '', lease = '2s'] = process.argv.slice(2)
const { agents, topology } = createTeam()
const service = await troupe.createTroupe({
  storage: JSON.parse(storage),
  agents,
  teams: { team: topology },
  lease: lease as Duration,
  log: 'silent',
})
const report = (message: object) => process.send?.(message)
process.on('message', ({ start, user, ledger }: { start: string; user: string; ledger: string }) => {
  service
    .user(user)
    .orchestra.start({ id: start, task: { run: start, ledger }, topology })
    .then(
      () => report({ started: start }),
      (error: Error) => report({ failed: start, reason: error.message }),
    )
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit())
report({ ready: true })
