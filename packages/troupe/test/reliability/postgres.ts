/**
 * What a PostgreSQL server, its connections and the processes on it may do to us, in full: connections broken at every
 * message, immediate restarts, listening connections killed under a load, migrations that die at every statement.
 *
 * node packages/troupe/test/reliability/postgres.ts [cuts|restarts|listeners|migrations …] [--every N] [--from N]
 *   [--restarts N] [--changes N] [--parallel N]
 */
import { parseArgs } from 'node:util'
import { binariesOfMachine } from '../postgres/binaries.ts'
import { runCutTrials } from '../postgres/cut-plans.ts'
import { runListenerTrial } from '../postgres/listener-trial.ts'
import { runMigrationTrial } from '../postgres/migration-trial.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { runRestartTrial } from '../postgres/restart-trial.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of all messages and statements, every n-th; of silences, which take seconds each, every 20 n-th. */
    every: { type: 'string', default: '1' },
    /** Of the cuts: so many were tried before, by a call that was stopped. */
    from: { type: 'string', default: '0' },
    restarts: { type: 'string', default: '200' },
    changes: { type: 'string', default: '100000' },
    parallel: { type: 'string', default: '4' },
  },
})
const every = Number(values.every)
let bad = 0
const print = (line: string) => console.log(line)

async function cuts(): Promise<void> {
  const schemas = Array.from({ length: Number(values.parallel) }, (_, i) => schemaName(`cuts${i}`))
  try {
    const plan = { cut: every, end: every, stall: every * 20 }
    const report = await runCutTrials(server, schemas, plan, print, Number(values.from))
    bad += report.problems.length
    print(
      `cuts: ${report.tried} trials, ${report.missed} ended before their fault, ${report.rejectedAtOpen} times refused ` +
        `at opening, ${report.problems.length} problems`,
    )
  } finally {
    await Promise.all(schemas.map((schema) => dropSchema(schema)))
  }
}

async function restarts(): Promise<void> {
  const bin = binariesOfMachine()
  if (!bin) return print('skipped: restarts: no programs of PostgreSQL')
  const { acknowledged, lost, doubled, rejected, unacknowledged, longest } = await runRestartTrial(
    bin,
    Number(values.restarts),
    print,
  )
  bad += lost.length + doubled + rejected.length
  for (const line of rejected.slice(0, 5)) print(line)
  print(
    `restarts: ${values.restarts}, ${acknowledged} changes acknowledged, ${lost.length} lost, ${doubled} doubled, ` +
      `${rejected.length} refused, ${unacknowledged.length} there untold; the longest took ${longest} ms`,
  )
}

async function listeners(): Promise<void> {
  const { watched, kills, seconds, p50, p99, worst } = await runListenerTrial(server, Number(values.changes))
  const sum = (of: 'wrong' | 'resyncs') => watched.reduce((total, each) => total + each[of], 0)
  bad += sum('wrong')
  print(
    `listeners: ${values.changes} changes in ${Math.round(seconds)} s, ${kills} listening connections killed, ` +
      `${sum('wrong')} changes missed, doubled or out of order, ${sum('resyncs')} resyncs; ` +
      `from push to watcher p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms`,
  )
}

async function migrations(): Promise<void> {
  const { statements, tried, missed, problems } = await runMigrationTrial(
    server,
    schemaName('migrations'),
    every,
    print,
  )
  bad += problems.length
  for (const problem of problems) print(problem)
  print(`migrations: ${tried} deaths in ${statements} statements, ${missed} too late, ${problems.length} problems`)
}

const trials = { cuts, restarts, listeners, migrations }
const wanted = positionals.length > 0 ? positionals : Object.keys(trials)
const unknown = wanted.filter((name) => !(name in trials))
if (unknown.length > 0) throw new Error(`there is no trial ${unknown.join(', ')}: ${Object.keys(trials).join(', ')}`)
const missing = await missingServer()
for (const name of wanted)
  if (missing && name !== 'restarts') print(`skipped: ${name}`)
  else await trials[name as keyof typeof trials]()
if (bad > 0) process.exitCode = 1
