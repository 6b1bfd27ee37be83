/**
 * Runs the programs that use the library as an application would, and that say what does not hold.
 *
 * node packages/troupe/test/reliability/outside/main.ts [--only fuzz,…] [--scale 60] [--seed TEXT]
 */
import { parseArgs } from 'node:util'
import { programs } from './programs.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    scale: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
})
const wanted = values.only?.split(',')
const unknown = wanted?.find((name) => !programs.some((program) => program.name === name))
if (unknown !== undefined) throw new Error(`there is no program ${unknown}`)

for (const program of programs.filter(({ name }) => !wanted || wanted.includes(name))) {
  const began = performance.now()
  const result = await program.run({
    scale: Number(values.scale),
    seed: values.seed,
    report: (line) => console.log(`${program.name}: ${line}`),
  })
  if ('skipped' in result) {
    console.log(`${program.name}: skipped: ${result.skipped}. Not shown: ${program.promise}`)
    continue
  }
  for (const problem of result) console.log(`${program.name}: ${problem}`)
  const seconds = Math.round((performance.now() - began) / 1_000)
  console.log(`${program.name}: ${result.length} problems in ${seconds} s. ${program.promise}`)
  if (result.length > 0) process.exitCode = 1
}
