/** The LISTEN connection of a process on a real server. */
import pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { missingServer, server, withClient } from '../../../../test/postgres/postgres-server.ts'
import { seededRandom, systemClock } from '../../../core/index.ts'
import type { Hint } from '../../storage-port.ts'
import { settingsOf } from './connection-target.ts'
import { ListenConnection } from './listen-connection.ts'
import { channelOf } from './read-payload.ts'

const missing = await missingServer()
const schema = `listen_${process.pid}`
const arrivalFor = (owner: string): Hint => ({ arrival: { owner, user: 'ada', journal: 'run:r', arrivals: 1 } })

function open() {
  const received: Hint[] = []
  const line = new ListenConnection({
    location: settingsOf({ url: server }).location,
    schema,
    answerMs: 10_000,
    clock: systemClock,
    random: seededRandom(1),
    node: 'me',
    // The poll announces the queues, too.
    announce: (hints) => received.push(...hints.filter((hint) => 'arrival' in hint)),
    notify: async () => {},
    poll: async () => ({ wakes: 0, at: 0, users: [], isClockSet: false }),
    state: () => {},
  })
  return { line, received }
}
const notify = (owner: string) =>
  withClient((client) =>
    client.query('select pg_notify($1, $2)', [
      channelOf(schema, owner),
      JSON.stringify(['other', [arrivalFor(owner)]]),
    ]),
  )

describe.skipIf(missing !== undefined)('the LISTEN connection', () => {
  afterEach(() => void vi.restoreAllMocks())

  test('A LISTEN connection receives arrivals under the last name of its process.', async () => {
    const { line, received } = open()
    await line.start()
    for (const name of ['first', 'second']) await line.listenAs(name)
    for (const owner of ['first', 'second']) await notify(owner)
    await vi.waitFor(() => expect(received).toEqual([arrivalFor('second')]))
    await line.stop()
  })

  test('A LISTEN connection receives arrivals under a name that the process gets while the connection is made.', async () => {
    const { line, received } = open()
    const { query } = pg.Client.prototype
    const listening = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args) {
      const result = Reflect.apply(query, this, args)
      listening.mockRestore()
      void line.listenAs('late')
      return result
    })
    await line.start()
    await notify('late')
    await vi.waitFor(() => expect(received).toEqual([arrivalFor('late')]))
    await line.stop()
  })
})
