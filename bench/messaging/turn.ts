/**
 * How long a turn takes that sends many messages, from the start of the run to its end, on each storage: all to one agent,
 * and in turn to ten. Aim: 10,000 messages on PostgreSQL in 3 s.
 *
 * With the entry of another build (`dist/index.js`) the two builds take turns, and the ratio of their times is printed.
 *
 * node bench/messaging/turn.ts [memory|file|postgres|all] [messages, messages, …] [entry of another build]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import * as current from 'troupe'

const [where = 'all', counts = '1,10,100,10000', other] = process.argv.slice(2)
const server = process.env.TROUPE_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const folder = mkdtempSync(join(resolve('.'), '.bench-messages-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

type Build = typeof current
interface Times {
  readonly wallMs: number
  readonly cpuMs: number
}

const before = other === undefined ? undefined : ((await import(resolve(other))) as Build)
const kinds = where === 'all' ? ['memory', 'file', 'postgres'] : [where]
let opened = 0

async function withTroupe<T>(build: Build, kind: string, use: (troupe: current.Troupe) => Promise<T>): Promise<T> {
  const name = `troupe_bench_turn_${process.pid}_${++opened}`
  const storage =
    kind === 'postgres'
      ? { url: server, schema: name }
      : kind === 'file'
        ? `sqlite:${join(folder, `${name}.db`)}`
        : 'memory:'
  const troupe = await build.createTroupe({ storage, log: 'silent' })
  try {
    return await use(troupe)
  } finally {
    await troupe.close()
    if (kind === 'postgres') {
      const client = new Client({ connectionString: server })
      await client.connect()
      await client.query(`drop schema ${name} cascade`)
      await client.end()
    }
  }
}

async function measure(build: Build, troupe: current.Troupe, count: number, recipients: number): Promise<Times> {
  const Note = build.defineMessage('note')
  const writer = build.defineAgent({
    name: 'Writer',
    run: async (_, ctx) => {
      for (let i = 0; i < count; i++) await ctx.messages.send(Note, i, { to: `Reader ${i % recipients}` })
      return count
    },
  })
  const topology = build.patterns.pipeline({ stages: [{ agents: [writer] }] })
  const [started, used] = [performance.now(), process.cpuUsage()]
  const { status, error } = await troupe.user('ada').orchestra.run({ task: 't', topology })
  const { user, system } = process.cpuUsage(used)
  if (status !== 'completed') throw new Error(`the run is ${status}: ${JSON.stringify(error)}`)
  return { wallMs: performance.now() - started, cpuMs: (user + system) / 1_000 }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number
const shown = (times: readonly Times[]) =>
  `${median(times.map(({ wallMs }) => wallMs)).toFixed(1)} ms, ${median(times.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms of processor`

for (const kind of kinds)
  for (const count of counts.split(',').map(Number))
    for (const recipients of count < 1_000 ? [1] : [1, 10]) {
      const rounds = count < 1_000 ? 60 : count < 20_000 ? 3 : 1
      const builds = before ? [before, current] : [current]
      const run = async (left: readonly Build[], troupes: readonly current.Troupe[]): Promise<void> => {
        const [build, ...rest] = left
        if (build) return withTroupe(build, kind, (troupe) => run(rest, [...troupes, troupe]))
        const times = builds.map((): Times[] => [])
        for (let round = 0; round < rounds; round++)
          for (const i of round % 2 === 0 ? builds.keys() : [...builds.keys()].reverse())
            times[i]?.push(await measure(builds[i] as Build, troupes[i] as current.Troupe, count, recipients))
        const line = `${kind}: ${count} messages to ${recipients}: ${shown(times.at(-1) as Times[])}`
        const [first, second] = times
        const ratio = second
          ? median(second.map(({ cpuMs }, i) => cpuMs / (first?.[i]?.cpuMs ?? Number.NaN))).toFixed(2)
          : undefined
        console.log(ratio === undefined ? line : `${line}; ${ratio} of the other build's processor time`)
      }
      await run(builds, [])
    }
