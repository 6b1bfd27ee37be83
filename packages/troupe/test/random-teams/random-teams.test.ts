import { expect, it } from 'vitest'
import { troupe } from '../reliability/troupe-under-test.ts'
import { playReferenceTeam } from './play-reference-team.ts'

/** More: `node packages/troupe/test/random-teams/main.ts --teams 2000`. */
const teams = 240

it('A random team has the result that its reference computes, and so have its forks.', {
  timeout: 120_000,
}, async () => {
  await using service = await troupe.createTroupe({ storage: 'memory:', log: 'silent' })
  for (let i = 0; i < teams; i++) expect(await playReferenceTeam(service, `team-${i}`), `team-${i}`).toEqual([])
})
