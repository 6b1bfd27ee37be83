/** Prints all it can of a troupe that logs in, is refused, and loses its server's connections: the password must not be in it. */
import { inspect } from 'node:util'
import { type Config, createTroupe, postgresFromEnvironment } from 'troupe'

const show = (value: unknown) =>
  process.stdout.write(`${inspect(value, { depth: 12, showHidden: true })}\n${JSON.stringify(value)}\n`)
const schema = process.argv[2] as string
const rejected = async (storage: string | Config.PostgresOptions) => {
  const error = await createTroupe({ storage, log: 'debug' }).catch((failed: unknown) => failed)
  show(error)
  if (error instanceof Error) show([error.stack, error.cause, String(error)])
}

const storage = { ...postgresFromEnvironment(), schema }
const troupe = await createTroupe({ storage, log: 'debug' })
troupe.on('*', (event) => show(event))
await troupe.user('ada').agent('A').context.push('k', 1)
show([troupe, troupe.user('ada'), troupe.storageState(), await troupe.sizes()])
await troupe.close()

const { host, port, user, password = '' } = storage
await rejected({ ...storage, user: 'nobody_here' })
await rejected({ ...storage, database: 'nowhere' })
await rejected({ ...storage, host: 'localhost', port: 1, acquireTimeout: '1s' })
await rejected({ ...storage, tls: { ca: 'none' } })
await rejected(`postgress://${user}:${password}@${host}:${port}/postgres`)
await rejected(`postgres://${user}:${password}@${host}:port/postgres`)
await rejected(`postgres://${user}:wrong${password}@${host}:${port}/postgres`)
