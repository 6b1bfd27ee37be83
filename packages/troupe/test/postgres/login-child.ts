/** Prints all it can of a troupe that logs in, is refused, and loses its server's connections: the password must not be in it. */
import { inspect } from 'node:util'
import { createTroupe, type PostgresOptions, postgresFromEnvironment } from '../../src/index.ts'

const show = (value: unknown) =>
  process.stdout.write(`${inspect(value, { depth: 12, showHidden: true })}\n${JSON.stringify(value)}\n`)
const schema = process.argv[2] as string
const refused = async (storage: string | PostgresOptions) => {
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
await refused({ ...storage, user: 'nobody_here' })
await refused({ ...storage, database: 'nowhere' })
await refused({ ...storage, host: 'localhost', port: 1, acquireTimeout: '1s' })
await refused({ ...storage, tls: { ca: 'none' } })
await refused(`postgress://${user}:${password}@${host}:${port}/postgres`)
await refused(`postgres://${user}:${password}@${host}:port/postgres`)
await refused(`postgres://${user}:wrong${password}@${host}:${port}/postgres`)
