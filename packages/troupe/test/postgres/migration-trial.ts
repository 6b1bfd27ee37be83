/**
 * A migration that dies at one of its statements: by the death of its process or of its backend. Whoever opens next brings
 * the schema to what it would have been.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { migrations } from '../../src/operations/index.ts'
import { openStorage, type PostgresOptions } from '../../src/storage/index.ts'
import { type Fault, FaultProxy, type Message } from './fault-proxy.ts'
import { dropSchema, withClient } from './postgres-server.ts'
import { migrationsOf } from './releases.ts'
import { dumpSchema } from './schema-dump.ts'

export interface MigrationReport {
  readonly statements: number
  readonly tried: number
  readonly missed: number
  readonly problems: readonly string[]
}

type Death = 'process' | 'backend'
const program = join(import.meta.dirname, 'migration-child.ts')

export const openEverything = (postgres: PostgresOptions, release: number) =>
  openStorage({
    url: 'postgres:',
    postgres,
    migrations: [...migrations, ...migrationsOf(release)],
    clock: systemClock,
    random: systemRandom,
  })

const isStatement = ({ direction, type }: Message) => direction === 'out' && (type === 'Q' || type === 'P')

/**
 * From nothing to everything, and from one release to the next.
 * @param name begins the names of the trial's schemas
 */
export async function runMigrationTrial(
  server: string,
  name: string,
  every: number,
  print: (line: string) => void = () => {},
): Promise<MigrationReport> {
  const problems: string[] = []
  let [statements, tried, missed] = [0, 0, 0]
  for (const [from, to] of [
    [0, 1],
    [1, 3],
  ] as const) {
    const schema = `${name}_${to}`
    const prepare = async () => {
      await dropSchema(schema)
      if (from > 0) await (await openEverything({ url: server, schema }, from)).close()
    }
    const dump = () => withClient((client) => dumpSchema(client, schema), server)
    await prepare()
    const count = await countStatements(server, schema, to)
    const wanted = await dump()
    print(`release ${from} to ${to}: ${count} statements`)
    statements += count
    for (let nth = 1; nth <= count; nth += every)
      for (const death of ['process', 'backend'] as const) {
        await prepare()
        tried++
        if (tried % 50 === 0) print(`${tried} deaths, ${problems.length} problems`)
        const reached = await die(server, schema, to, death, nth)
        if (!reached) missed++
        await (await openEverything({ url: server, schema }, to)).close()
        const different = differences(wanted, await dump())
        if (different.length > 0)
          problems.push(
            `death of the ${death} at statement ${nth} of release ${to}: ${different.slice(0, 3).join('; ')}`,
          )
      }
    await dropSchema(schema)
  }
  return { statements, tried, missed, problems }
}

function differences(wanted: readonly string[], found: readonly string[]): readonly string[] {
  const [was, is] = [new Set(wanted), new Set(found)]
  return [...wanted.filter((line) => !is.has(line)), ...found.filter((line) => !was.has(line))]
}

/** What a migration that nobody disturbs sends: on the connection that opens, before any other. */
async function countStatements(server: string, schema: string, release: number): Promise<number> {
  const proxy = await FaultProxy.open(server)
  await (await openEverything(through(proxy, server, schema), release)).close()
  await proxy.close()
  return proxy.messages.filter((message) => message.connection === 1 && isStatement(message)).length
}

function through(proxy: FaultProxy, server: string, schema: string): PostgresOptions {
  const { username, pathname } = new URL(server)
  return { url: `postgres://${username}@127.0.0.1:${proxy.port}${pathname}`, schema }
}

/** @returns whether the statement was reached */
async function die(server: string, schema: string, release: number, death: Death, nth: number): Promise<boolean> {
  let [count, kill] = [0, () => {}]
  const fault: Fault = {
    at(message) {
      const here = isStatement(message) && ++count === nth
      if (here) kill()
      return here
    },
    when: 'after',
    how: 'hold',
  }
  const proxy = await FaultProxy.open(server, fault)
  const postgres = through(proxy, server, schema)
  try {
    if (death === 'process') {
      const child = spawn(process.execPath, ['--no-warnings', program, `${release}`, JSON.stringify(postgres)], {
        stdio: 'ignore',
      })
      kill = () => child.kill('SIGKILL')
      await once(child, 'close')
    } else {
      // Held, so that nothing comes between the statement and the end of its backend.
      kill = () => void terminate(server, proxy)
      await openEverything(postgres, release).then(
        (storage) => storage.close(),
        () => {},
      )
    }
    return proxy.reached !== undefined
  } finally {
    await proxy.close()
  }
}

/** Of the connection through the proxy, which is known by the port that it has towards the server. */
const terminate = (server: string, proxy: FaultProxy) =>
  withClient(
    (client) =>
      client.query('select pg_terminate_backend(pid) from pg_stat_activity where client_port = any($1)', [
        proxy.serverPorts(),
      ]),
    server,
  )
