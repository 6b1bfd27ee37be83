/**
 * Runs on three workers while a worker is killed or frozen every 300 ms: each completes, with every effect once and a
 * replay that is identical.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import { runChaos } from '../../processes/chaos.ts'
import { harness } from '../library-under-test.ts'
import type { Program } from './program.ts'

export const program: Program = {
  name: 'runs',
  promise: 'Runs complete on workers that are killed and frozen, with every effect once.',
  async run({ scale, seed, report }) {
    if (await missingServer()) return []
    const folder = mkdtempSync(join(tmpdir(), 'troupe-outside-runs-'))
    const schema = schemaName('outside_runs')
    try {
      const { ends, problems, kills, stops, resolved } = await runChaos({
        storage: { url: server, schema, poolSize: 8 },
        ledger: join(folder, 'ledger'),
        runs: 10 * scale,
        workers: 3,
        lease: '2s',
        random: harness.seededRandom(seed),
        blowAfterMs: 300,
        blows: 20 * scale,
        timeoutMs: 120_000 + 30_000 * scale,
      })
      report(`${ends.size} runs, ${kills} kills, ${stops} freezes, ${resolved} uncertain effects resolved`)
      const different = [...ends].filter(
        ([, end]) => !end.startsWith('{"status":"completed"') || !end.endsWith('"identical":true}'),
      )
      return [...problems, ...different.map(([run, end]) => `${run}: ${end}`)]
    } finally {
      await dropSchema(schema)
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
