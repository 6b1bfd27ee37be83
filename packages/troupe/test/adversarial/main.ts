/**
 * Plays hostile teams: each must end within its budgets, and replay alike.
 *
 * node packages/troupe/test/adversarial/main.ts [--teams 10000] [--base TEXT] [--seed NAME]
 */
import { parseArgs } from 'node:util'
import { type Played, playTeams } from './run-teams.ts'

const { values } = parseArgs({
  options: {
    teams: { type: 'string', default: '10000' },
    base: { type: 'string', default: 'team' },
    seed: { type: 'string', multiple: true },
  },
})
const perTroupe = 25
const seeds = values.seed ?? Array.from({ length: Number(values.teams) }, (_, i) => `${values.base}-${i}`)
const began = performance.now()
const ends = new Map<string, number>()
const violating: Played[] = []
const batches = Array.from({ length: Math.ceil(seeds.length / perTroupe) }, (_, i) => i)
/** Most of a team's time passes in waiting. */
const concurrency = 40

async function playBatches(): Promise<void> {
  for (let batch = batches.shift(); batch !== undefined; batch = batches.shift())
    for (const played of await playTeams(seeds.slice(batch * perTroupe, (batch + 1) * perTroupe))) {
      const end = played.guard === undefined ? played.status : `${played.status} by ${played.guard}`
      ends.set(end, (ends.get(end) ?? 0) + 1)
      if (played.violations.length === 0) continue
      violating.push(played)
      console.log(`${played.seed}: ${played.violations.join('; ')}`)
    }
}

await Promise.all(Array.from({ length: concurrency }, playBatches))
const seconds = ((performance.now() - began) / 1_000).toFixed(0)
console.log(`${seeds.length} teams in ${seconds} s, ${violating.length} past their budgets`)
for (const [end, count] of [...ends].sort(([, a], [, b]) => b - a)) console.log(`  ${count} ${end}`)
if (violating.length > 0) process.exitCode = 1
