/**
 * Tells processes under load to end, half of them on a file and half on a PostgreSQL, and counts what was lost or doubled.
 *
 * node packages/troupe/test/reliability/drain.ts [--runs N] [--seed TEXT]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/core/index.ts'
import { runDrains } from '../drain/drain-trial.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100' }, seed: { type: 'string', default: 'drain' } },
})
const folder = mkdtempSync(join(tmpdir(), 'troupe-drain-'))
const schema = schemaName('drain')
const missing = await missingServer()
const storages = [
  ['a file', `sqlite:${join(folder, 'troupe.db')}`],
  ...(missing ? [] : ([['PostgreSQL', { url: server, schema, poolSize: 4 }]] as const)),
] as const
let bad = 0
for (const [name, storage] of storages) {
  const { next } = seededRandom(`${values.seed} ${name}`)
  const drains = Math.ceil(Number(values.runs) / storages.length)
  const began = performance.now()
  const verdict = await runDrains({ storage, ledger: join(folder, name), drains, random: () => next() })
  bad += verdict.problems.length
  for (const problem of verdict.problems.slice(0, 20)) console.log(`${name}: ${problem}`)
  console.log(
    `${name}: ${drains} drains, ${verdict.acknowledged} acknowledged, ${verdict.effects} effects, ` +
      `${verdict.problems.length} lost or doubled, slowest drain ${Math.round(verdict.slowestMs)} ms, ` +
      `${Math.round((performance.now() - began) / 1_000)} s`,
  )
}
rmSync(folder, { recursive: true, force: true })
if (!missing) await dropSchema(schema)
if (bad > 0) process.exitCode = 1
