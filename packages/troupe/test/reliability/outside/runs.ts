/**
 * Runs on three workers while workers that have worked for 300 ms are killed or frozen, 30 to 150 ms after the blow before: each completes, with every effect once and a
 * replay that is identical. A step whose process the trial ended five times without a record between fails by design, with
 * `step.crashed`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import { runChaos } from '../../processes/chaos.ts'
import { harness } from '../library-under-test.ts'
import type { Program } from './program.ts'

/** Of such a run, or of messages that it alone did not send. */
const isOf = (problem: string, runs: ReadonlySet<string>) =>
  runs.has(problem.split(':')[0] as string) ||
  (runs.size > 0 &&
    (/, without (.*)$/.exec(problem)?.[1] ?? '-').split(', ').every((each) => runs.has(each.split(' ')[0] as string)))

export const program: Program = {
  name: 'runs',
  promise: 'Runs complete on workers that are killed and frozen, with every effect once.',
  async run({ scale, seed, report }) {
    const skipped = await missingServer()
    if (skipped !== undefined) return { skipped }
    const folder = mkdtempSync(join(tmpdir(), 'troupe-outside-runs-'))
    const schema = schemaName('outside_runs')
    try {
      const { ends, problems, kills, stops, resolved } = await runChaos({
        storage: { url: server, schema, poolSize: 8 },
        ledger: join(folder, 'ledger'),
        runs: 5 * scale,
        workers: 3,
        lease: '2s',
        random: harness.seededRandom(seed),
        blowAfterMs: 300,
        blows: 10 * scale,
        maxStormMs: 5_000 * scale,
        timeoutMs: 120_000 + 15_000 * scale,
      })
      const crashed = new Set(problems.flatMap((problem) => /^(.+): failed step\.crashed: /.exec(problem)?.[1] ?? []))
      report(
        `${ends.size} runs, ${kills} kills, ${stops} freezes, ${resolved} uncertain effects resolved, ` +
          `${crashed.size} runs whose step the kills ended five times`,
      )
      const different = [...ends].filter(
        ([run, end]) =>
          !crashed.has(run) && (!end.startsWith('{"status":"completed"') || !end.endsWith('"identical":true}')),
      )
      const others = crashed.size > ends.size / 20 ? problems : problems.filter((problem) => !isOf(problem, crashed))
      return [...others, ...different.map(([run, end]) => `${run}: ${end}`)]
    } finally {
      await dropSchema(schema)
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
