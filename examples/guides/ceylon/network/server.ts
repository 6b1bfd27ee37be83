/**
 * A worker in a process of its own: `node server.ts STORAGE`, and it serves until it is told to end. STORAGE is a URL of
 * PostgreSQL, or the JSON of where the database is.
 */
import { createTroupe, type Message, type TroupeConfig, Worker } from 'troupe'
import { serverName, userId, Work } from './protocol.ts'

class Server extends Worker {
  constructor() {
    super(serverName, { role: 'server', topics: ['network'] })
    this.on(Work, this.work)
  }

  work({ payload }: Message<{ text: string }>) {
    return { text: payload.text.toUpperCase(), process: process.pid }
  }
}

/** @param storage as `createTroupe` takes it @returns what ends it */
export async function serve(storage: TroupeConfig['storage']): Promise<AsyncDisposable> {
  const troupe = await createTroupe({ storage, presence: { heartbeat: '1s' } })
  await troupe.user(userId).start(new Server())
  return troupe
}

if (import.meta.main) {
  const [where = ''] = process.argv.slice(2)
  const server = await serve(where.startsWith('{') ? JSON.parse(where) : where)
  console.log('serving')
  process.once('SIGTERM', () => void server[Symbol.asyncDispose]())
}
