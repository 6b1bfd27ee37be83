/**
 * Simulates the worlds of the trials. Without options, 300 seeds of each.
 *
 * node packages/troupe/test/reliability/simulate.ts [--seeds N] [--scenario NAME] [--base TEXT] [--seed NAME] [--cap 10m]
 *   [--processes N] [--bail] [--shrink] [--json]
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Duration } from '../../src/index.ts'
import { harness } from './library-under-test.ts'
import { scenarioOf, scenarios } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    scenario: { type: 'string', multiple: true },
    base: { type: 'string', default: 'seed' },
    seed: { type: 'string', multiple: true },
    cap: { type: 'string', default: '60m' },
    processes: { type: 'string', default: `${availableParallelism()}` },
    bail: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

for (const name of values.scenario ?? scenarios) {
  const report = await harness.simulate({
    scenario: scenarioOf(name),
    seeds: values.seed ?? Number(values.seeds),
    base: values.base,
    cap: values.cap as Duration,
    processes: Number(values.processes),
    bail: values.bail,
    shrink: values.shrink,
    maxEvents: 60_000,
    traceLines: values.seed ? 5_000 : 20,
  })
  const { seeds, failures, smallest, events, kills, operations, simulatedMs, durationMs } = report
  const share = harness.checkShare(operations)
  if (failures.length > 0 || share.length > 0) process.exitCode = 1
  if (values.json) {
    const found = failures.map(({ seed, failure }) => `${seed}: ${failure}`)
    console.log(
      JSON.stringify({
        scenario: name,
        seeds: seeds.length,
        failures: found,
        share: share.map(({ message }) => message),
      }),
    )
    continue
  }
  console.log(
    `${name}: ${seeds.length} seeds, ${failures.length} failures, ${events} events, ${kills} kills, ` +
      `${operations.succeeded} of ${operations.succeeded + operations.failed} operations succeeded, ` +
      `${Math.round(simulatedMs / 1_000)} simulated s in ${(durationMs / 1_000).toFixed(1)} s`,
  )
  for (const { message } of share) console.log(`  ${message}`)
  for (const { seed, failure, tail } of failures.slice(0, 10))
    console.log(`  ${seed}: ${failure}${values.seed ? `\n${tail.join('\n')}` : ''}`)
  if (smallest)
    console.log(`  fewest faults: ${smallest.seed} with ${smallest.faults.join(', ') || 'none'}: ${smallest.failure}`)
}
