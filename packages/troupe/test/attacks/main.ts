/**
 * Runs the corpus of attacks on both storages and prints what came of it; ends with 1 where a row has another outcome.
 *
 * npm run attacks -- [--storage sqlite|postgres|memory] [--share 0.1] [--seed NAME] [--only TEXT] [--undefended]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import type { Verdict } from './attack.ts'
import { corpus } from './corpus.ts'
import { report } from './report.ts'
import { runCorpus, sample } from './run-corpus.ts'
import { undefended } from './testbed.ts'

const { values } = parseArgs({
  options: {
    storage: { type: 'string', multiple: true },
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: 'attacks' },
    only: { type: 'string' },
    undefended: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '8' },
  },
})
const attacks = sample(
  corpus.filter(({ id }) => values.only === undefined || id.includes(values.only)),
  { share: Number(values.share), seed: values.seed },
)
const began = performance.now()
const verdicts: Verdict[] = []
const folder = mkdtempSync(join(tmpdir(), 'troupe-attacks-'))
for (const name of values.storage ?? ['sqlite', 'postgres']) {
  if (name === 'postgres' && (await missingServer()) !== undefined) {
    process.stderr.write('no row was tried on PostgreSQL; without a server, pass --storage sqlite\n')
    process.exit(1)
  }
  const schemas: string[] = []
  let databases = 0
  const storage = () => {
    if (name === 'memory') return 'memory:'
    if (name === 'sqlite') return `sqlite:${join(folder, `${++databases}.db`)}`
    const schema = schemaName(`attacks_${++databases}`)
    schemas.push(schema)
    return { url: server, schema }
  }
  const progress = (done: number, total: number) => {
    if (done % 500 === 0) process.stderr.write(`${name}: ${done} of ${total} rows\n`)
  }
  const options = { storage, storageName: name, concurrency: Number(values.concurrency), progress }
  verdicts.push(...(await runCorpus(attacks, { ...options, ...(values.undefended ? { config: undefended } : {}) })))
  for (const schema of schemas) await dropSchema(schema)
}
rmSync(folder, { recursive: true })
const { text, problems } = report(verdicts)
console.log(text)
console.log(`${((performance.now() - began) / 1_000).toFixed(0)} s`)
// A row that ended with an error may have left its troupe open.
process.exit(problems.length > 0 ? 1 : 0)
