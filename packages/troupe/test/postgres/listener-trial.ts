/**
 * Two processes write, four writers each; three others watch; their listening connections are killed at random. Whoever
 * watches must see every change once, in the order of commits, or be told to look anew.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Client } from 'pg'
import { createTroupe } from '../../src/index.ts'
import type { PostgresOptions } from '../../src/storage/index.ts'
import { withClient } from './postgres-server.ts'

export interface ChildOptions {
  readonly storage: PostgresOptions
  readonly users: readonly string[]
  /** Changes of one writer. */
  readonly perUser: number
  /** Of one user. */
  readonly writers: number
  readonly name: string
}

/** Of one watcher and one user. */
export interface Watched {
  readonly changes: number
  readonly resyncs: number
  readonly wrong: number
  /** From the call of push to the watcher, ms. */
  readonly lags: readonly number[]
}

export interface ListenerReport {
  readonly watched: readonly Watched[]
  readonly kills: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly worst: number
}

const program = join(import.meta.dirname, 'listener-child.ts')
const users = ['ada', 'bob', 'eve', 'joe']
const [writing, watching] = [2, 3]

/** @param server its URL; the trial makes a database of its own there, for listeners are killed by their database */
export async function runListenerTrial(server: string, changes: number): Promise<ListenerReport> {
  const database = `troupe_listeners_${process.pid}`
  await withClient((client) => client.query(`create database ${database}`), server)
  const url = new URL(server)
  url.pathname = `/${database}`
  const children: ChildProcess[] = []
  try {
    const storage = { url: url.href, poolSize: 8 }
    // Whoever opens first makes the tables.
    await (await createTroupe({ storage, log: 'silent' })).close()
    return await withClient((killer) => run(killer, children, storage, changes), url.href)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await withClient((client) => client.query(`drop database ${database} with (force)`), server)
  }
}

async function run(killer: Client, children: ChildProcess[], storage: PostgresOptions, changes: number) {
  const perUser = Math.ceil(changes / users.length / writing)
  const start = async (role: 'write' | 'watch', name: string) => {
    const options: ChildOptions = { storage, users, perUser, writers: writing, name }
    const child = spawn(process.execPath, ['--no-warnings', program, role, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const ended = once(child, 'close')
    const lines: string[] = []
    const reading = createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => lines.push(line))
    await Promise.race([once(reading, 'line'), ended])
    return async () => {
      const [code] = (await ended) as [number | null]
      if (code !== 0) throw new Error(`the process that was to ${role} ended with ${code}`)
      return JSON.parse(lines.at(-1) as string) as readonly Watched[]
    }
  }
  const watchers = await Promise.all(Array.from({ length: watching }, (_, i) => start('watch', `${i}`)))
  const began = performance.now()
  const writers = await Promise.all(Array.from({ length: writing }, (_, i) => start('write', `${i}`)))
  const killing = killAtRandom(killer)
  try {
    await Promise.all(writers.map((ended) => ended()))
    const seconds = (performance.now() - began) / 1_000
    const watched = (await Promise.all(watchers.map((ended) => ended()))).flat()
    const lags = watched.flatMap(({ lags }) => lags).sort((a, b) => a - b)
    const at = (share: number) => lags[Math.floor(share * (lags.length - 1))] as number
    return { watched, kills: await killing.end(), seconds, p50: at(0.5), p99: at(0.99), worst: at(1) }
  } finally {
    await killing.end()
  }
}

/** One listening connection of the database, every 20 to 200 ms. */
function killAtRandom(client: Client) {
  let [kills, over] = [0, false]
  const sql = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'troupe hints' order by random() limit 1`
  const killing = (async () => {
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 180))
      kills += (await client.query(sql)).rowCount ?? 0
    }
  })()
  return {
    async end(): Promise<number> {
      over = true
      await killing
      return kills
    },
  }
}
