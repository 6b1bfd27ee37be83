/**
 * Kills, freezes and restarts worker processes at random while they carry on many runs on one PostgreSQL; the ends must
 * be those of the same runs undisturbed, and nothing paid twice.
 *
 * node packages/troupe/test/reliability/processes.ts [--runs N] [--workers N] [--seed TEXT] [--minutes N]
 *   [--blow-after MS] [--blows N]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dropSchema, server } from '../postgres/postgres-server.ts'
import { runChaos } from '../processes/chaos.ts'
import { harness } from './library-under-test.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    workers: { type: 'string', default: '3' },
    seed: { type: 'string', default: `${Date.now()}` },
    minutes: { type: 'string', default: '10' },
    'blow-after': { type: 'string', default: '1000' },
    blows: { type: 'string', default: '60' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'troupe-nodes-'))
const schemas = ['calm', 'chaos'].map((name) => `troupe_nodes_${name}_${process.pid}`)

const trial = async (chaos: boolean) => {
  const began = performance.now()
  const report = await runChaos({
    storage: { url: server, schema: schemas[chaos ? 1 : 0] as string, poolSize: 8 },
    ledger: join(folder, chaos ? 'chaos' : 'calm'),
    runs: Number(values.runs),
    workers: Number(values.workers),
    lease: '2s',
    random: harness.seededRandom(values.seed),
    ...(chaos ? { blowAfterMs: Number(values['blow-after']) } : {}),
    blows: Number(values.blows),
    timeoutMs: Number(values.minutes) * 60_000,
  })
  console.log(
    `${chaos ? 'disturbed' : 'undisturbed'}: ${report.ends.size} runs, ${report.kills} kills, ${report.stops} stops, ` +
      `${report.resolved} uncertain effects settled, ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
  return report
}

try {
  const calm = await trial(false)
  const chaos = await trial(true)
  const different = [...calm.ends].filter(([run, end]) => chaos.ends.get(run) !== end)
  const problems = [
    ...calm.problems,
    ...chaos.problems,
    ...different.map(([run, end]) => `${run}: ${chaos.ends.get(run)} in place of ${end}`),
  ]
  console.log(`${problems.length} problems (seed ${values.seed})`)
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`)
  if (problems.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
  for (const schema of schemas) await dropSchema(schema)
}
