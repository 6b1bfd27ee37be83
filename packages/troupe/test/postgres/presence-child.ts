/** A process with a worker that says which process handled what, until it is killed. */
import { createTroupe, defineMessage, Worker } from 'troupe'

const GetPid = defineMessage<string>('get-pid')
const troupe = await createTroupe({
  storage: JSON.parse(process.argv[2] as string),
  presence: { heartbeat: '2s' },
  log: 'silent',
})
const worker = new Worker('Far', { role: 'clerk', topics: ['billing'] }).on(GetPid, () => process.pid)
const { detail } = await troupe.user('p').start(worker)
process.stdout.write(`${detail.processId}\n`)
