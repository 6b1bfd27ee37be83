/**
 * Freezes owners of runs (SIGSTOP) until their runs were taken over, and wakes them: 100 runs without options.
 *
 * node packages/troupe/test/reliability/frozen.ts [--rounds N] [--runs N]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dropSchema, schemaName, server } from '../postgres/postgres-server.ts'
import { runFrozen } from '../processes/frozen.ts'

const { values } = parseArgs({
  options: {
    /** Processes that are frozen, one after the other. */
    rounds: { type: 'string', default: '10' },
    /** That each of them has then. */
    runs: { type: 'string', default: '10' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'troupe-frozen-'))
const schema = schemaName('frozen')
try {
  const { problems, tried } = await runFrozen({
    storage: { url: server, schema },
    ledger: join(folder, 'ledger'),
    runs: Number(values.runs),
    rounds: Number(values.rounds),
  })
  console.log(`${tried} runs of frozen owners, ${problems.length} problems`)
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`)
  if (problems.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
  await dropSchema(schema)
}
