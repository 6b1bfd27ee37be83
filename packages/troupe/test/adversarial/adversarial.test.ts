import { expect, it } from 'vitest'
import { playTeams } from './run-teams.ts'

/** All ten thousand: `npm run reliability:adversarial`. */
const teams = 160
const perTroupe = 10

it('Hostile teams end within their budgets, break no invariant, and replay alike.', {
  timeout: 120_000,
}, async () => {
  const batches = Array.from({ length: teams / perTroupe }, (_, batch) =>
    playTeams(Array.from({ length: perTroupe }, (_one, i) => `team-${batch * perTroupe + i}`)),
  )
  const played = (await Promise.all(batches)).flat()
  expect(played.filter(({ violations }) => violations.length > 0)).toEqual([])
  // They are hostile enough: guards end some, and failures others.
  const guards = new Set(played.map(({ guard }) => guard))
  for (const guard of ['time', 'steps', 'hops']) expect(guards).toContain(guard)
  expect(played.some(({ status }) => status === 'completed')).toBe(true)
})
