/** Finds the server by its topic and role, gives it work, and waits until it leaves: `node client.ts STORAGE`. */
import { createTroupe, type Messages, type TroupeConfig, Worker } from 'troupe'
import { serverName, userId, Work } from './protocol.ts'

class Client extends Worker {
  readonly #found = Promise.withResolvers<Messages.AgentDetail>()
  readonly #gone = Promise.withResolvers<Messages.AgentDetail>()
  readonly found = this.#found.promise
  readonly gone = this.#gone.promise

  constructor() {
    super('NetworkClient', { role: 'client', topics: ['network'] })
    this.onConnect('network:server', (detail) => this.#found.resolve(detail))
    this.onDisconnect('network:server', (detail) => this.#gone.resolve(detail))
  }
}

/**
 * @param storage as `createTroupe` takes it
 * @param done is called when the server has answered
 */
export async function askServer(storage: TroupeConfig['storage'], done = () => {}) {
  await using troupe = await createTroupe({ storage, presence: { heartbeat: '1s' } })
  const user = troupe.user(userId)
  const client = new Client()
  const { detail } = await user.start(client)
  const { name, role, processId } = await client.found
  const reply = await user.agent(client.name).messages.request(Work, { text: 'hello' }, { to: serverName })
  done()
  await client.gone
  return { found: { name, role }, isRemote: processId !== detail.processId, text: reply.text, process: reply.process }
}

if (import.meta.main) {
  const [where = ''] = process.argv.slice(2)
  console.log(await askServer(where.startsWith('{') ? JSON.parse(where) : where))
}
