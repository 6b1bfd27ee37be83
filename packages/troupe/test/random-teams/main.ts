/**
 * Plays random teams and compares their results with those of their references.
 *
 * node packages/troupe/test/random-teams/main.ts [--teams 2000] [--base TEXT] [--seed NAME]
 */
import { parseArgs } from 'node:util'
import { troupe } from '../reliability/troupe-under-test.ts'
import { playReferenceTeam } from './play-reference-team.ts'

const { values } = parseArgs({
  options: {
    teams: { type: 'string', default: '2000' },
    base: { type: 'string', default: 'team' },
    seed: { type: 'string', multiple: true },
  },
})
const seeds = values.seed ?? Array.from({ length: Number(values.teams) }, (_, i) => `${values.base}-${i}`)
let differing = 0
await using service = await troupe.createTroupe({ storage: 'memory:', log: 'silent' })
for (const seed of seeds) {
  const problems = await playReferenceTeam(service, seed)
  if (problems.length > 0) differing++
  for (const problem of problems) console.log(`${seed}: ${problem}`)
}
console.log(`${seeds.length} teams, ${differing} differ`)
process.exitCode = differing > 0 ? 1 : 0
